# A client of somebody else's making: uploads a file in chunks, each with its checksum.
#
# python upload.py <endpoint> <access token> <file>

import sys

from tusclient import client

endpoint, token, path = sys.argv[1:]
tus = client.TusClient(endpoint, headers={"authorization": f"Bearer {token}"})
metadata = {"filename": "film.mp4", "filetype": "video/mp4"}
options = {"chunk_size": 1_000_000, "metadata": metadata, "upload_checksum": True}
first = tus.uploader(path, **options)
first.upload(stop_at=2_500_000)
# Another goes on with it.
uploader = tus.uploader(path, url=first.url, **options)
assert uploader.offset == 2_500_000, uploader.offset
uploader.upload()
print(uploader.url)

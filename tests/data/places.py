"""Makes places.mmdb, a database of a few addresses, with a writer that is not ours.

pip install mmdb-writer==0.2.5 netaddr && python3 places.py
"""

from pathlib import Path

from mmdb_writer import MMDBWriter
from netaddr import IPSet

writer = MMDBWriter(
    ip_version=6,
    ipv4_compatible=True,
    database_type="GeoLite2-City",
    languages=["en"],
    description="A few places for tests",
)
country = {"iso_code": "XL", "names": {"en": "Localia"}}
looptown = {"city": {"names": {"en": "Looptown"}}, "country": country}
writer.insert_network(IPSet(["127.0.0.0/8", "::1/128"]), looptown)
writer.insert_network(IPSet(["2001:db8::/32"]), {"country": country})
writer.insert_network(
    IPSet(["192.0.2.0/24"]), {"city": {"names": {"en": "A\nb" + "c" * 100}}, "country": country}
)
writer.to_db_file(str(Path(__file__).with_name("places.mmdb")))

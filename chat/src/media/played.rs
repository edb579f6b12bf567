//! What was made of a file as links lead to it: a variant by its name, or the playlists by which a
//! long video is played while it comes (HTTP Live Streaming, RFC 8216).
//!
//! Playlists name what a player loads, so they are written here and not by a program that has read
//! strangers' bytes. `stream.m3u8` names those of the sizes, and each of those the pieces of one
//! variant as spans of its bytes; all of them by the same link.

use ports::Error;

use super::{Fragments, JobKind, Media, MediaOutcome, Variant};
use crate::kernel::Reader;

/// What the list of all sizes is called.
const ALL: &str = "stream.m3u8";

/// What the names of variants end with that are played while they come, and those of their lists.
const VARIANT: &str = "-hls.mp4";
const LIST: &str = "-hls.m3u8";

/// What says in a query which blob is meant.
const BLOB: &str = "blob";

/// A number of a blob, and what is in it.
type Stored = (u64, Variant);

async fn stored(media: &Media, reader: &Reader) -> Result<Vec<Stored>, Error> {
    let mut all = Vec::new();
    for made in media.jobs.iter().filter_map(|it| it.made.as_ref()) {
        let Some(outcome) = reader.open(&made.outcome).await? else { continue };
        all.extend(made.blobs.iter().copied().zip(outcome.variants));
    }
    Ok(all)
}

/// Which blob holds the variant of a name, and what that is.
///
/// # Errors
/// When the keys can't be reached.
pub async fn variant(
    media: &Media,
    reader: &Reader,
    name: &str,
) -> Result<Option<(u64, Variant)>, Error> {
    let all = stored(media, reader).await?;
    Ok(all.into_iter().find(|(_, it)| it.name == name))
}

/// What the names of the squares begin with that are shown as pictures.
const AVATAR: &str = "avatar-";

/// Whether a variant of that name is shown as a picture.
pub(crate) fn is_avatar(name: &str) -> bool {
    name.starts_with(AVATAR)
}

/// What is shown of a file that is a picture, the smallest first; nothing while there is nothing.
///
/// # Errors
/// When the keys can't be reached.
pub(crate) async fn avatars(media: &Media, reader: &Reader) -> Result<Option<MediaOutcome>, Error> {
    let made = media.job(JobKind::Avatars).and_then(|it| it.made.as_ref());
    let Some(made) = made else { return Ok(None) };
    let outcome = reader.open(&made.outcome).await?;
    Ok(outcome.map(|mut it| {
        it.variants.retain(|it| is_avatar(&it.name));
        it.variants.sort_by_key(|it| (it.width, it.size_bytes));
        it
    }))
}

/// Whether the query of a link means this blob, or whichever there is.
pub fn is_meant(query: &str, blob: u64) -> bool {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let meant = pairs.find(|(name, _)| name == BLOB);
    meant.is_none_or(|(_, it)| it == format!("{blob:x}"))
}

/// A video that is played while it comes, in each of its sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream(Vec<Stored>);

impl Stream {
    /// The stream of a file, if there is one.
    ///
    /// # Errors
    /// When the keys can't be reached.
    pub async fn of(media: &Media, reader: &Reader) -> Result<Option<Self>, Error> {
        Ok(Self::made(stored(media, reader).await?))
    }

    fn made(mut variants: Vec<Stored>) -> Option<Self> {
        variants.retain(|(_, it)| it.fragments.is_some() && it.name.ends_with(VARIANT));
        variants.sort_by_key(|(_, it)| it.size_bytes);
        Some(Self(variants)).filter(|it| !it.0.is_empty())
    }

    /// What its link is for.
    pub(crate) fn name() -> &'static str {
        ALL
    }

    /// Whether a link to the stream leads to what has this name.
    pub(crate) fn has(name: &str) -> bool {
        name == ALL || name.ends_with(VARIANT) || name.ends_with(LIST)
    }

    /// Whether what has this name is written when it is asked for.
    pub fn is_list(name: &str) -> bool {
        name == ALL || name.ends_with(LIST)
    }

    /// A list by its name, in which everything has the query of its link.
    pub fn list(&self, name: &str, query: &str) -> Option<String> {
        if name == ALL {
            return Some(self.sizes(query));
        }
        let stem = name.strip_suffix(LIST)?;
        let mut all = self.0.iter();
        let (blob, found) = all.find(|(_, it)| it.name.strip_suffix(VARIANT) == Some(stem))?;
        // Its spans are those of this blob: once there is another, the player asks for a new list.
        let uri = format!("{}?{query}&{BLOB}={blob:x}", found.name);
        Some(pieces(found.fragments.as_ref()?, &uri))
    }

    fn sizes(&self, query: &str) -> String {
        let mut list = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
        for (_, it) in &self.0 {
            let (Some(fragments), Some(stem)) = (&it.fragments, it.name.strip_suffix(VARIANT))
            else {
                continue;
            };
            let Fragments { bandwidth, codecs, .. } = fragments;
            list += &format!("#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},CODECS=\"{codecs}\"");
            if let (Some(width), Some(height)) = (it.width, it.height) {
                list += &format!(",RESOLUTION={width}x{height}");
            }
            list += &format!("\n{stem}{LIST}?{query}\n");
        }
        list
    }
}

/// The pieces of one size.
fn pieces(fragments: &Fragments, uri: &str) -> String {
    let Fragments { init_bytes, parts, .. } = fragments;
    let longest = parts.iter().map(|(_, ms)| ms.div_ceil(1_000)).max().unwrap_or(1);
    let mut list = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{longest}\n#EXT-X-PLAYLIST-TYPE:VOD\n\
         #EXT-X-MAP:URI=\"{uri}\",BYTERANGE=\"{init_bytes}@0\"\n"
    );
    let mut offset = *init_bytes;
    for (bytes, ms) in parts {
        let (seconds, rest) = (ms / 1_000, ms % 1_000);
        list +=
            &format!("#EXTINF:{seconds}.{rest:03},\n#EXT-X-BYTERANGE:{bytes}@{offset}\n{uri}\n");
        offset += bytes;
    }
    list += "#EXT-X-ENDLIST\n";
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(name: &str, height: u32) -> Variant {
        let parts = vec![(50, 6_000), (7, 1_040)];
        let (bandwidth, codecs) = (80_000, "avc1.64001e,mp4a.40.2".to_owned());
        Variant {
            name: name.to_owned(),
            media_type: "video/mp4".to_owned(),
            width: Some(height * 2),
            height: Some(height),
            size_bytes: u64::from(height),
            fragments: Some(Fragments { init_bytes: 900, parts, bandwidth, codecs }),
        }
    }

    #[test]
    fn lists_name_what_a_player_loads_and_nothing_else() {
        let plain = Variant { fragments: None, ..sized("480p.mp4", 480) };
        let all = [sized("720p-hls.mp4", 720), plain.clone(), sized("480p-hls.mp4", 480)];
        let all = (0..).zip(all).collect();
        let stream = Stream::made(all).unwrap();
        let info = "#EXT-X-STREAM-INF:BANDWIDTH=80000,CODECS=\"avc1.64001e,mp4a.40.2\"";
        let sizes = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
             {info},RESOLUTION=960x480\n480p-hls.m3u8?a=b\n\
             {info},RESOLUTION=1440x720\n720p-hls.m3u8?a=b\n"
        );
        assert_eq!(stream.list("stream.m3u8", "a=b"), Some(sizes));
        let pieces = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6\n\
             #EXT-X-PLAYLIST-TYPE:VOD\n\
             #EXT-X-MAP:URI=\"480p-hls.mp4?a=b&blob=2\",BYTERANGE=\"900@0\"\n\
             #EXTINF:6.000,\n#EXT-X-BYTERANGE:50@900\n480p-hls.mp4?a=b&blob=2\n\
             #EXTINF:1.040,\n#EXT-X-BYTERANGE:7@950\n480p-hls.mp4?a=b&blob=2\n#EXT-X-ENDLIST\n";
        assert_eq!(stream.list("480p-hls.m3u8", "a=b").as_deref(), Some(pieces));
        for name in ["360p-hls.m3u8", "480p-hls.mp4", "480p.m3u8", ""] {
            assert_eq!(stream.list(name, "a=b"), None, "{name}");
        }
        assert_eq!(Stream::made(vec![(7, plain)]), None);
        assert!(is_meant("a=b", 2) && is_meant("a=b&blob=2", 2) && !is_meant("blob=3", 2));
    }
}

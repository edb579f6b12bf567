//! What of ffmpeg may look at a file: one demuxer a type, and the decoders that are in use.

use ffmpeg::codec::{Id, decoder};
use ffmpeg::format::stream::Stream;
use ffmpeg::{Codec, Dictionary};
use ffmpeg_next as ffmpeg;

use crate::outcome::Failure;

/// The one demuxer that may look at each type: none of them opens other files.
const DEMUXERS: [(&str, &str); 13] = [
    ("audio/mpeg", "mp3"),
    ("audio/wav", "wav"),
    ("audio/flac", "flac"),
    ("audio/mp4", "mov"),
    ("audio/ogg", "ogg"),
    ("audio/x-matroska", "matroska"),
    ("audio/webm", "matroska"),
    ("audio/x-msvideo", "avi"),
    ("video/mp4", "mov"),
    ("video/quicktime", "mov"),
    ("video/x-matroska", "matroska"),
    ("video/webm", "matroska"),
    ("video/x-msvideo", "avi"),
];

/// Those whose files may hold anything, and not only what they are named after.
const CONTAINERS: [&str; 3] = ["mov", "matroska", "avi"];

/// What cameras, editors and screens write. The others are as old as they are seldom looked at by
/// anyone who mends them.
const DECODERS: [&str; 46] = [
    "h264",
    "hevc",
    "vp8",
    "vp9",
    "libdav1d",
    "av1",
    "mpeg4",
    "msmpeg4",
    "msmpeg4v2",
    "h263",
    "mpeg1video",
    "mpeg2video",
    "mjpeg",
    "png",
    "prores",
    "dvvideo",
    "dnxhd",
    "theora",
    "ffv1",
    "huffyuv",
    "ffvhuff",
    "rawvideo",
    "qtrle",
    "aac",
    "mp3",
    "mp3float",
    "mp2",
    "mp2float",
    "opus",
    "libopus",
    "vorbis",
    "flac",
    "alac",
    "ac3",
    "eac3",
    "amrnb",
    "amrwb",
    "pcm_u8",
    "pcm_s16le",
    "pcm_s16be",
    "pcm_s24le",
    "pcm_s32le",
    "pcm_f32le",
    "pcm_mulaw",
    "pcm_alaw",
    "adpcm_ima_wav",
];

/// Pictures, sounds, and what cameras write beside them.
const STREAMS_MAX: u32 = 32;

/// How a file of a type is opened.
pub(crate) fn options(media_type: &str) -> Result<Dictionary<'static>, Failure> {
    let demuxer = DEMUXERS.iter().find(|it| it.0 == media_type);
    let (_, demuxer) = demuxer.ok_or_else(|| Failure::unsupported(media_type))?;
    let mut options = Dictionary::new();
    options.set("format_whitelist", demuxer);
    // There is one input, and it is open.
    options.set("protocol_whitelist", "none");
    if CONTAINERS.contains(demuxer) {
        options.set("codec_whitelist", &DECODERS.join(","));
        options.set("max_streams", &STREAMS_MAX.to_string());
    }
    Ok(options)
}

/// Whether what is in a file of a type does not follow from the type.
pub(crate) fn is_container(media_type: &str) -> bool {
    DEMUXERS.iter().any(|it| it.0 == media_type && CONTAINERS.contains(&it.1))
}

/// The decoder of what is in a container, if it is one that is in use.
pub(crate) fn of(stream: &Stream<'_>) -> Result<Codec, Failure> {
    let id: Id = stream.parameters().id();
    let found = decoder::find(id).filter(|it| DECODERS.contains(&it.name()));
    found.ok_or_else(|| Failure::unsupported(format_args!("{id:?}")))
}

//! What is brighter than the screens that renditions are for: it is mapped to what those show.
//!
//! A video that telephones film today says of its numbers how bright they are up to a thousand
//! candelas and more (ITU-R BT.2100), in colours that are further apart (BT.2020). Read as if they
//! were BT.709 they look pale.

use ffmpeg::codec::decoder;
use ffmpeg::color::TransferCharacteristic;
use ffmpeg_next as ffmpeg;

/// Candelas of white paper (ITU-R BT.2408), and how many times that what is brightest is taken for:
/// a thousand.
const WHITE: u32 = 203;
const BRIGHTEST: f32 = 4.93;

/// How the numbers of a video say how bright it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Light {
    /// In candelas, as the eye tells them apart (SMPTE ST 2084).
    Absolute,
    /// As a camera sees it, to be shown as bright as a screen is (ARIB STD-B67).
    OfScene,
}

impl Light {
    /// As a decoder says; nothing of what any screen shows as it is.
    pub(super) fn of(decoder: &decoder::Video) -> Option<Light> {
        let said = decoder.color_transfer_characteristic();
        let known = [
            (TransferCharacteristic::SMPTE2084, Light::Absolute),
            (TransferCharacteristic::ARIB_STD_B67, Light::OfScene),
        ];
        known.into_iter().find(|it| it.0 == said).map(|it| it.1)
    }

    /// The filters that map it to BT.709, each behind a comma. What is as bright as paper or less
    /// keeps its colour, and what is brighter comes ever closer to white.
    pub(super) fn filters(self) -> String {
        let curve = match self {
            Light::Absolute => "smpte2084",
            Light::OfScene => "arib-std-b67",
        };
        format!(
            ",format=yuv444p10le,setparams=color_trc={curve}:color_primaries=bt2020:\
             colorspace=bt2020nc,zscale=t=linear:npl={WHITE},format=gbrpf32le,zscale=p=bt709,\
             tonemap=mobius:desat=0:peak={BRIGHTEST},zscale=t=bt709:m=bt709:r=tv,format=yuv444p"
        )
    }
}

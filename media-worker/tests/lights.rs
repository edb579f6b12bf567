//! Videos that are brighter than screens of BT.709: what is made of them looks as they do.

mod worker;

use worker::made::{difference, ffmpeg, first_picture, video};
use worker::{previews, renditions};

/// What a video says of its light and colours.
fn says(curve: &str) -> [&str; 12] {
    [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-color_trc",
        curve,
        "-color_primaries",
        "bt2020",
        "-colorspace",
        "bt2020nc",
        "-color_range",
        "tv",
    ]
}

/// A second of grey, as bright as a part of a thousand of what its numbers can say.
fn grey(curve: &str, thousandths: u32) -> Vec<u8> {
    let level = 64 + 876 * thousandths / 1000;
    let pictures = format!(
        "nullsrc=size=64x64:rate=5:duration=1,format=yuv420p10le,geq=lum={level}:cb=512:cr=512"
    );
    video("x.mp4", &pictures, false, &says(curve))
}

/// How bright the middle of a picture is, of 255, where no channel is far from the others.
fn brightness(picture: &image::RgbaImage) -> u8 {
    let [red, green, blue, _] = picture.get_pixel(32, 32).0;
    assert!(red.abs_diff(green) <= 3 && green.abs_diff(blue) <= 3, "{red} {green} {blue}");
    green
}

/// A grey card of 26 candelas and white paper of 203 as both curves have them (ITU-R BT.2408, table
/// 1). On a screen (BT.1886) the one is an eighth as bright as paper, which is 0.68 of what is
/// brightest, so that there is room.
#[test]
fn grey_cards_and_paper_are_what_they_are() {
    for (curve, thousandths, expected) in [
        ("arib-std-b67", 380, 108_u8),
        ("smpte2084", 380, 108),
        ("arib-std-b67", 750, 217),
        ("smpte2084", 580, 217),
    ] {
        let made = grey(curve, thousandths);
        let poster = brightness(&previews(&made).picture("96.webp"));
        assert!(poster.abs_diff(expected) <= 6, "{curve} {thousandths}: {poster}");
        let written = renditions(&made);
        let played = brightness(&first_picture(&written.read("64p.mp4")));
        assert!(played.abs_diff(poster) <= 4, "{curve} {thousandths}: {played} and {poster}");
        let clip = brightness(&first_picture(&previews(&made).read("clip.mp4")));
        assert!(clip.abs_diff(poster) <= 4, "{curve} {thousandths}: {clip} and {poster}");
    }
}

/// What is not too bright for BT.709 has the colours it has there.
#[test]
fn colours_are_those_that_were_filmed() {
    let darker = "colorlevels=romax=0.5:gomax=0.5:bomax=0.5";
    let bars = format!("smptebars=size=320x240:rate=5:duration=1,{darker},format=yuv444p");
    let plain = ["-c:v", "ffv1", "-pix_fmt", "yuv444p"];
    let plain = video("x.mkv", &bars, false, &plain);
    let wanted = first_picture(&plain);
    for curve in ["smpte2084", "arib-std-b67"] {
        let light = format!(
            "setparams=color_trc=bt709:color_primaries=bt709:colorspace=bt709:range=tv,\
             zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt2020,\
             zscale=t={curve}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le"
        );
        let how = [&["-i", "0", "-vf", &light][..], &says(curve)].concat();
        let made = ffmpeg("x.mp4", &how, &[&plain]);
        let poster = previews(&made).picture("320.webp");
        let apart = difference(&poster, &wanted);
        assert!(apart < 6.0, "{curve}: {apart}");
    }
}

/// A decoder that says nothing of its light, and one that says what every screen shows.
#[test]
fn what_is_as_bright_as_screens_is_left_as_it_is() {
    let pictures = "nullsrc=size=64x64:rate=5:duration=1,format=yuv420p,geq=lum=126:cb=128:cr=128";
    for more in [&[][..], &["-color_trc", "bt709"]] {
        let made = video("x.mp4", pictures, false, &[&["-c:v", "libx264"][..], more].concat());
        let poster = brightness(&previews(&made).picture("96.webp"));
        assert!(poster.abs_diff(128) <= 2, "{poster}");
    }
}

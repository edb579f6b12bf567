//! The same sound in another format, without what was said about it.

use ffmpeg::format::context::StreamIo;
use ffmpeg::format::{self, output_to_stream};
use ffmpeg::util::channel_layout::ChannelLayout;
use ffmpeg::{Packet, codec, encoder};
use ffmpeg_next as ffmpeg;

use super::broken;
use super::decode::Decoder;
use crate::job::Format;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;

/// How a format is written.
struct Way {
    muxer: &'static str,
    encoder: &'static str,
    name: &'static str,
    bits_a_second: usize,
    /// If it knows only one.
    rate: Option<u32>,
}

fn way(to: Format) -> Option<Way> {
    let way = |muxer, encoder, name, bits_a_second, rate| {
        Some(Way { muxer, encoder, name, bits_a_second, rate })
    };
    match to {
        Format::Opus => way("ogg", "libopus", "converted.opus", 64_000, Some(48_000)),
        Format::Mp3 => way("mp3", "libmp3lame", "converted.mp3", 128_000, Some(44_100)),
        Format::M4a => way("ipod", "aac", "converted.m4a", 128_000, Some(44_100)),
        Format::Flac => way("flac", "flac", "converted.flac", 0, None),
        Format::Wav => way("wav", "pcm_s16le", "converted.wav", 0, None),
        Format::Jpeg | Format::Png | Format::Gif | Format::Webp | Format::Txt => None,
    }
}

/// Writes the sound as another format, in one channel or two.
pub(super) fn convert(
    decoder: &mut Decoder,
    to: Format,
    output: &mut Output,
) -> Result<Outcome, Failure> {
    let way = way(to).ok_or_else(|| Failure::unsupported("a sound is no picture and no text"))?;
    let file = output.take(way.name, None)?;
    let io = StreamIo::from_write_seek(file).map_err(broken)?;
    let mut muxer = output_to_stream(io, None, Some(way.muxer)).map_err(broken)?;
    let mut encoder = open(decoder, &way, &muxer).map_err(broken)?;
    let rate = encoder.rate();
    let time = ffmpeg::Rational(1, rate as i32);
    let stream = {
        let mut stream = muxer.add_stream(encoder.codec()).map_err(broken)?;
        stream.set_time_base(time);
        stream.set_parameters(&encoder);
        stream.index()
    };
    muxer.write_header().map_err(broken)?;
    let written = muxer.stream(stream).map(|it| it.time_base()).unwrap_or(time);
    let mut write = |encoder: &mut encoder::Audio| {
        let mut packet = Packet::empty();
        while encoder.receive_packet(&mut packet).is_ok() {
            packet.set_stream(stream);
            packet.rescale_ts(time, written);
            packet.write_interleaved(&mut muxer).map_err(too_much)?;
        }
        Ok(())
    };
    // Some take frames of any length, which they say by naming none.
    let length = Some(encoder.frame_size()).filter(|it| *it > 0);
    let (form, layout) = (encoder.format(), encoder.channel_layout());
    let mut samples = 0;
    let all = decoder.samples(rate);
    decoder.each(form, layout, rate, length, |frame| {
        frame.set_pts(Some(samples));
        samples += frame.samples() as i64;
        encoder.send_frame(frame).map_err(broken)?;
        if let Some(all) = all {
            output.progress.reached(samples, all);
        }
        write(&mut encoder)
    })?;
    encoder.send_eof().map_err(broken)?;
    write(&mut encoder)?;
    muxer.write_trailer().map_err(too_much)?;
    let duration_ms = u64::try_from(samples).unwrap_or_default() * 1000 / u64::from(rate);
    Ok(Outcome { duration_ms: Some(duration_ms), ..Outcome::default() })
}

/// There is nothing to go wrong with a file that is open, but its size.
fn too_much(error: ffmpeg::Error) -> Failure {
    Failure::too_large(error)
}

fn open(
    decoder: &Decoder,
    way: &Way,
    muxer: &format::context::Output,
) -> Result<encoder::Audio, ffmpeg::Error> {
    let found = encoder::find_by_name(way.encoder).ok_or(ffmpeg::Error::EncoderNotFound)?;
    let found = found.audio()?;
    let mut context = codec::context::Context::new_with_codec(*found).encoder().audio()?;
    let stereo = decoder.layout().channels() > 1;
    let layout = if stereo { ChannelLayout::STEREO } else { ChannelLayout::MONO };
    let rate = way.rate.unwrap_or_else(|| decoder.rate());
    let format = found.formats().and_then(|mut it| it.next());
    context.set_rate(rate as i32);
    context.set_channel_layout(layout);
    context.set_channels(layout.channels());
    context.set_format(format.ok_or(ffmpeg::Error::InvalidData)?);
    context.set_bit_rate(way.bits_a_second);
    context.set_time_base((1, rate as i32));
    if muxer.format().flags().contains(format::flag::Flags::GLOBAL_HEADER) {
        context.set_flags(codec::flag::Flags::GLOBAL_HEADER);
    }
    context.open_as(found)
}

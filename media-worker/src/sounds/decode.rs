//! From a file to samples of the wanted form.

use std::io::{Read, Seek};

use ffmpeg::codec::context::Context;
use ffmpeg::format::context::{Input, StreamIo};
use ffmpeg::format::{Sample, input_from_stream};
use ffmpeg::util::channel_layout::ChannelLayout;
use ffmpeg::{Packet, Rescale, codec, filter, frame, media};
use ffmpeg_next as ffmpeg;

use super::broken;
use crate::decoders;
use crate::outcome::Failure;

/// A file of sound that is being read.
pub(super) struct Decoder {
    input: Input,
    stream: usize,
    decoder: codec::decoder::Audio,
}

impl Decoder {
    pub(super) fn open(
        media_type: &str,
        input: impl Read + Seek + Send + 'static,
    ) -> Result<Decoder, Failure> {
        let options = decoders::options(media_type)?;
        let io = StreamIo::from_read_seek(input).map_err(broken)?;
        let input = input_from_stream(io, None, Some(options)).map_err(broken)?;
        let stream = input.streams().best(media::Type::Audio);
        let stream = stream.ok_or_else(|| Failure::unsupported("no sound in it"))?;
        if decoders::is_container(media_type) {
            decoders::of(&stream)?;
        }
        let index = stream.index();
        let context = Context::from_parameters(stream.parameters()).map_err(broken)?;
        let decoder = context.decoder().audio().map_err(broken)?;
        if decoder.rate() == 0 || decoder.channels() == 0 {
            return Err(Failure::corrupt("a sound without rate or channels"));
        }
        Ok(Decoder { input, stream: index, decoder })
    }

    pub(super) fn rate(&self) -> u32 {
        self.decoder.rate()
    }

    /// How many samples there are at a rate, if the file says how long it is.
    pub(super) fn samples(&self, rate: u32) -> Option<i64> {
        let said = Some(self.input.duration()).filter(|it| *it > 0)?;
        Some(said.rescale(ffmpeg::rescale::TIME_BASE, (1, rate as i32)))
    }

    pub(super) fn layout(&self) -> ChannelLayout {
        let said = self.decoder.channel_layout();
        let channels = i32::from(self.decoder.channels());
        if said.channels() == channels { said } else { ChannelLayout::default(channels) }
    }

    pub(super) fn tag(&self, name: &str) -> Option<String> {
        let stream = self.input.stream(self.stream)?;
        let of_file = self.input.metadata().get(name).map(str::to_owned);
        of_file.or_else(|| stream.metadata().get(name).map(str::to_owned))
    }

    /// Hands on all there is, in the wanted form and in frames of the wanted length.
    pub(super) fn each(
        &mut self,
        format: Sample,
        layout: ChannelLayout,
        rate: u32,
        length: Option<u32>,
        mut with: impl FnMut(&mut frame::Audio) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut graph = self.graph(format, layout, rate).map_err(broken)?;
        if let Some(length) = length {
            place(&mut graph, "out")?.sink().set_frame_size(length);
        }
        let mut heard = false;
        loop {
            // What was read last is not let go of by reading once more.
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) if packet.stream() != self.stream => continue,
                // A packet that is broken is left out, as players do.
                Ok(()) => drop(self.decoder.send_packet(&packet)),
                // Whatever ends it, what came before counts.
                Err(_) => drop(self.decoder.send_eof()),
            }
            let ended = packet.size() == 0;
            let mut decoded = frame::Audio::empty();
            while self.decoder.receive_frame(&mut decoded).is_ok() {
                heard = true;
                place(&mut graph, "in")?.source().add(&decoded).map_err(broken)?;
                drain(&mut graph, &mut with)?;
            }
            if ended {
                break;
            }
        }
        if !heard {
            return Err(Failure::corrupt("nothing to hear"));
        }
        place(&mut graph, "in")?.source().flush().map_err(broken)?;
        drain(&mut graph, &mut with)
    }

    /// Where a file says that it ends. In MPEG-4 the last packet may hold more than is meant.
    fn end(&self) -> Option<i64> {
        let said = self.input.format().name().starts_with("mov");
        let stream = self.input.stream(self.stream).filter(|_| said)?;
        let ticks = Some(stream.duration()).filter(|it| *it > 0)?;
        Some(ticks.rescale(stream.time_base(), (1, self.rate() as i32))).filter(|it| *it > 0)
    }

    fn graph(
        &self,
        format: Sample,
        layout: ChannelLayout,
        rate: u32,
    ) -> Result<filter::Graph, ffmpeg::Error> {
        let mut graph = filter::Graph::new();
        let find = |name| filter::find(name).ok_or(ffmpeg::Error::FilterNotFound);
        let from = format!(
            "time_base=1/{}:sample_rate={}:sample_fmt={}:channel_layout=0x{:x}",
            self.rate(),
            self.rate(),
            self.decoder.format().name(),
            self.layout().bits(),
        );
        graph.add(&find("abuffer")?, "in", &from)?;
        graph.add(&find("abuffersink")?, "out", "")?;
        let end = self.end().map(|it| format!("atrim=end_sample={it},")).unwrap_or_default();
        let wanted = format!(
            "{end}aformat=sample_fmts={}:sample_rates={rate}:channel_layouts=0x{:x}",
            format.name(),
            layout.bits(),
        );
        graph.output("in", 0)?.input("out", 0)?.parse(&wanted)?;
        graph.validate()?;
        Ok(graph)
    }
}

fn place(graph: &mut filter::Graph, name: &str) -> Result<filter::Context, Failure> {
    graph.get(name).ok_or_else(|| Failure::corrupt("no place to put samples"))
}

fn drain(
    graph: &mut filter::Graph,
    with: &mut impl FnMut(&mut frame::Audio) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut ready = frame::Audio::empty();
    while place(graph, "out")?.sink().frame(&mut ready).is_ok() {
        with(&mut ready)?;
    }
    Ok(())
}

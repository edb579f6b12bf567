//! A chain of filters, which is laid anew when what flows into it changes its form.

use std::marker::PhantomData;
use std::ops::DerefMut;

use ffmpeg::{Error, Frame, Rational, filter, frame};
use ffmpeg_next as ffmpeg;

use super::failure;
use crate::outcome::Failure;

/// What everything in here counts time in.
pub(super) const TICKS: Rational = Rational(1, 1_000_000);

/// What flows.
pub(super) trait Flow: DerefMut<Target = Frame> {
    const SOURCE: &'static str;
    const SINK: &'static str;

    fn empty() -> Self;

    /// What has to be known of it before any of it comes.
    fn form(&self) -> String;
}

impl Flow for frame::Video {
    const SOURCE: &'static str = "buffer";
    const SINK: &'static str = "buffersink";

    fn empty() -> Self {
        frame::Video::empty()
    }

    fn form(&self) -> String {
        let name = self.format().descriptor().map_or("none", |it| it.name());
        let (width, height, second) = (self.width(), self.height(), TICKS.denominator());
        format!("video_size={width}x{height}:pix_fmt={name}:time_base=1/{second}:pixel_aspect=1/1")
    }
}

impl Flow for frame::Audio {
    const SOURCE: &'static str = "abuffer";
    const SINK: &'static str = "abuffersink";

    fn empty() -> Self {
        frame::Audio::empty()
    }

    fn form(&self) -> String {
        let (rate, second) = (self.rate(), TICKS.denominator());
        let (form, layout) = (self.format().name(), self.channel_layout().bits());
        format!(
            "time_base=1/{second}:sample_rate={rate}:sample_fmt={form}:channel_layout=0x{layout:x}"
        )
    }
}

/// A chain, and what flows through it now.
pub(super) struct Pipe<T> {
    chain: String,
    /// What flows through first, if that is to begin otherwise.
    first: Option<String>,
    /// Samples a frame, if they are to be of one length.
    length: Option<u32>,
    /// When the last frame was, and how long it lasts: as long as the one before it, or as they
    /// do in general.
    last: Option<i64>,
    lasts: i64,
    /// When all of it is over, if that is known: a pause before the last frame isn't one after it.
    end: i64,
    laid: Option<(String, filter::Graph)>,
    flows: PhantomData<T>,
}

impl<T: Flow> Pipe<T> {
    /// Of frames that last so many ticks in general.
    pub(super) fn new(chain: String, lasts: i64) -> Pipe<T> {
        Pipe {
            chain,
            first: None,
            length: None,
            last: None,
            lasts,
            end: i64::MAX,
            laid: None,
            flows: PhantomData,
        }
    }

    /// Through another chain until the form changes.
    pub(super) fn beginning(self, first: Option<String>) -> Pipe<T> {
        Pipe { first, ..self }
    }

    /// With so many samples a frame.
    pub(super) fn with_length(self, length: u32) -> Pipe<T> {
        Pipe { length: Some(length), ..self }
    }

    /// Of what is over at this time.
    pub(super) fn until(self, end: i64) -> Pipe<T> {
        Pipe { end, ..self }
    }

    /// Puts a frame in and hands on what comes out, with what its times count.
    pub(super) fn push(
        &mut self,
        frame: &T,
        with: &mut impl FnMut(&mut T, Rational) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let form = frame.form();
        if self.laid.as_ref().is_none_or(|it| it.0 != form) {
            // Filters trust that all frames are as large as the first.
            self.end(with)?;
            let graph = self.lay(&form).map_err(failure)?;
            self.laid = Some((form, graph));
        }
        let Some((_, graph)) = &mut self.laid else { return Ok(()) };
        if let Some(at) = frame.pts() {
            let since = self.last.map(|it| at.saturating_sub(it)).filter(|it| *it > 0);
            self.lasts = since.unwrap_or(self.lasts);
            self.last = Some(at);
        }
        place(graph, "in")?.source().add(frame).map_err(failure)?;
        drain(graph, with)
    }

    /// Hands on what is still in it.
    pub(super) fn end(
        &mut self,
        with: &mut impl FnMut(&mut T, Rational) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let Some((_, mut graph)) = self.laid.take() else { return Ok(()) };
        let last = self.last.unwrap_or_default();
        let until = last.saturating_add(self.lasts).min(self.end.max(last.saturating_add(1)));
        place(&mut graph, "in")?.source().close(until).map_err(failure)?;
        drain(&mut graph, with)
    }

    fn lay(&mut self, form: &str) -> Result<filter::Graph, Error> {
        let first = self.first.take();
        let chain = first.as_ref().unwrap_or(&self.chain);
        let mut graph = filter::Graph::new();
        one_thread(&mut graph);
        let find = |name| filter::find(name).ok_or(Error::FilterNotFound);
        graph.add(&find(T::SOURCE)?, "in", form)?;
        graph.add(&find(T::SINK)?, "out", "")?;
        graph.output("in", 0)?.input("out", 0)?.parse(chain)?;
        graph.validate()?;
        if let (Some(length), Some(mut out)) = (self.length, graph.get("out")) {
            out.sink().set_frame_size(length);
        }
        Ok(graph)
    }
}

/// Threads for each processor of a large machine would take all the memory that there is.
#[expect(unsafe_code, reason = "the bindings have no name for it")]
fn one_thread(graph: &mut filter::Graph) {
    // SAFETY: a number in what is this graph's own, before any filter is in it.
    unsafe { (*graph.as_mut_ptr()).nb_threads = 1 };
}

fn place(graph: &mut filter::Graph, name: &str) -> Result<filter::Context, Failure> {
    graph.get(name).ok_or_else(|| Failure::corrupt("no place to put frames"))
}

fn drain<T: Flow>(
    graph: &mut filter::Graph,
    with: &mut impl FnMut(&mut T, Rational) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut sink = place(graph, "out")?;
    let tick = sink.sink().time_base();
    let mut ready = T::empty();
    while sink.sink().frame(&mut ready).is_ok() {
        with(&mut ready, tick)?;
    }
    Ok(())
}

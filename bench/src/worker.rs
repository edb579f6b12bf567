//! The media worker and the command lines that make the same of a file, each run as it is: one file
//! a process, in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::clock;
use crate::cpu;

const PREVIEWS: &str = r#"{"kind":"previews"}"#;

/// A file that other programs have made, and what is to be made of it.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    /// The name of the file that is its input.
    pub(crate) input: &'static str,
    job: &'static str,
    /// Times that it is done in a round, as it takes ticks of 10 ms to be measured.
    pub(crate) times: usize,
    /// Another program for the same, and its words; `$1` is the input.
    pub(crate) other: &'static str,
    script: &'static str,
}

/// The words for the pictures of a preview.
macro_rules! pictures {
    ($input:literal) => {
        concat!(
            "f -i ",
            $input,
            r#" -filter_complex "[0:v]scale=1600:-2:flags=lanczos,split=3[w0][j0][n0];
            [n0]scale=800:-2:flags=lanczos,split=3[w1][j1][n1];
            [n1]scale=320:-2:flags=lanczos,split=3[w2][j2][n2];
            [n2]scale=96:-2:flags=lanczos,split[w3][j3]" "#,
            "-frames:v 1 -map '[w0]' -c:v libwebp -quality 80 1600.webp ",
            "-frames:v 1 -map '[w1]' -c:v libwebp -quality 80 800.webp ",
            "-frames:v 1 -map '[w2]' -c:v libwebp -quality 80 320.webp ",
            "-frames:v 1 -map '[w3]' -c:v libwebp -quality 80 96.webp ",
            "-frames:v 1 -map '[j0]' -c:v mjpeg -q:v 4 1600.jpg ",
            "-frames:v 1 -map '[j1]' -c:v mjpeg -q:v 4 800.jpg ",
            "-frames:v 1 -map '[j2]' -c:v mjpeg -q:v 4 320.jpg ",
            "-frames:v 1 -map '[j3]' -c:v mjpeg -q:v 4 96.jpg\n",
        )
    };
}

const VIDEO: &str = concat!(
    "ffprobe -v error -select_streams v -count_packets \
     -show_entries stream=nb_read_packets \"$1\"\n",
    pictures!("\"$1\""),
    "f -t 3 -i \"$1\" -an -vf scale=320:-2,fps=15 -c:v libx264 -preset veryfast -profile:v high \
     -crf 23 -maxrate 400k -bufsize 800k -pix_fmt yuv420p -movflags +faststart clip.mp4\n",
);

const RENDITIONS: &str = "f -i \"$1\" -filter_complex \"[0:v]scale=-2:720:flags=bicubic,fps=30,\
    split[a][b];[b]scale=852:480:flags=bicubic[c];[0:a]asplit[d][e]\" \
    -map '[a]' -map '[d]' -c:v libx264 -preset veryfast -profile:v high -crf 23 \
    -maxrate 2765k -bufsize 5530k -g 60 -threads 2 -c:a aac -b:a 128k -ar 48000 \
    -movflags +faststart 720p.mp4 \
    -map '[c]' -map '[e]' -c:v libx264 -preset veryfast -profile:v high -crf 23 \
    -maxrate 1227k -bufsize 2454k -g 60 -threads 2 -c:a aac -b:a 128k -ar 48000 \
    -movflags +faststart 480p.mp4\n";

const PDF: &str = concat!(
    "pdftoppm -f 1 -l 1 -singlefile -scale-to 1600 -png \"$1\" in\npdftotext \"$1\" text.txt\n",
    pictures!("in.png"),
);

/// What is measured, from small to large.
pub(crate) const WORKS: [Work; 7] = [
    Work {
        name: "JPEG, 12 MP",
        input: "photo.jpg",
        job: PREVIEWS,
        times: 3,
        other: "ffmpeg",
        script: pictures!("\"$1\""),
    },
    Work {
        name: "PNG, 1920x1080",
        input: "screen.png",
        job: PREVIEWS,
        times: 5,
        other: "ffmpeg",
        script: pictures!("\"$1\""),
    },
    Work {
        name: "MP3, 3 min",
        input: "song.mp3",
        job: PREVIEWS,
        times: 5,
        other: "ffmpeg",
        script: "f -i \"$1\" -filter_complex showwavespic=s=100x255 -frames:v 1 peaks.png\n",
    },
    Work {
        name: "PDF",
        input: "letter.pdf",
        job: PREVIEWS,
        times: 5,
        other: "pdftoppm, pdftotext, ffmpeg",
        script: PDF,
    },
    Work {
        name: "MP4, 30 s of 1080p",
        input: "film.mp4",
        job: PREVIEWS,
        times: 2,
        other: "ffprobe, ffmpeg",
        script: VIDEO,
    },
    Work {
        name: "MP3 to Opus",
        input: "song.mp3",
        job: r#"{"kind":"convert","to":"opus"}"#,
        times: 1,
        other: "ffmpeg",
        script: "f -i \"$1\" -vn -c:a libopus -b:a 64k out.opus\n",
    },
    Work {
        name: "MP4 to 720p and 480p",
        input: "film.mp4",
        job: r#"{"kind":"renditions"}"#,
        times: 1,
        other: "ffmpeg",
        script: RENDITIONS,
    },
];

/// The inputs, as ffmpeg makes them: `(name, its words)`.
const INPUTS: [(&str, &str); 5] = [
    (
        "photo.jpg",
        "-f lavfi -i mandelbrot=size=4000x3000,noise=c0s=30:c1s=30:c2s=30 \
         -frames:v 1 -pix_fmt yuvj420p -q:v 3",
    ),
    ("screen.png", "-f lavfi -i testsrc2=size=1920x1080 -frames:v 1"),
    (
        "film.mp4",
        "-f lavfi -i testsrc2=size=1920x1080:rate=30:duration=30,noise=c0s=6:c1s=6:c2s=6:allf=t \
         -f lavfi -i anoisesrc=color=pink:duration=30:amplitude=0.3:sample_rate=44100 -ac 2 \
         -c:v libx264 -preset ultrafast -pix_fmt yuv420p -b:v 8M -c:a aac -b:a 128k",
    ),
    (
        "song.mp3",
        "-f lavfi -i anoisesrc=color=pink:duration=180:amplitude=0.3:sample_rate=44100 -ac 2 \
         -c:a libmp3lame -b:a 128k",
    ),
    (
        "voice.ogg",
        "-f lavfi -i anoisesrc=color=pink:duration=30:amplitude=0.3:sample_rate=48000 -ac 1 \
         -c:a libopus -b:a 24k",
    ),
];

/// A page of text, as LibreOffice writes it.
const LETTER: &[u8] = include_bytes!("../../media-worker/tests/fixtures/letter.pdf");

const SHELL: &str = "set -eu\nf() { ffmpeg -hide_banner -loglevel error -nostdin -y \"$@\"; }\n";

/// Where the inputs lie and files are looked into, and by what.
#[derive(Debug, Clone)]
pub(crate) struct Bank {
    folder: PathBuf,
    worker: PathBuf,
}

/// What it took to do something once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

impl Bank {
    /// Makes the inputs in a folder; the worker is looked for beside the server.
    pub(crate) async fn open(folder: &Path, server: &Path) -> Result<Self> {
        let worker = server.with_file_name("parlance-media-worker");
        let built = "`cargo build --release -p media-worker` builds it";
        ensure!(worker.exists(), "no {}: {built}", worker.display());
        fs::create_dir_all(folder)?;
        fs::write(folder.join("letter.pdf"), LETTER)?;
        for (name, words) in INPUTS {
            run(folder, &format!("f {words} {name}\n"), "").await.context(name)?;
        }
        Ok(Self { folder: folder.to_owned(), worker })
    }

    pub(crate) fn read(&self, input: &str) -> Result<Vec<u8>> {
        fs::read(self.folder.join(input)).with_context(|| input.to_owned())
    }

    /// Has the worker do it as often as said, one after the other; what once takes.
    pub(crate) async fn by_worker(&self, work: &Work) -> Result<Cost> {
        let (before, start) = (cpu::cpu_of_gone(std::process::id())?, clock::now());
        for _ in 0..work.times {
            self.once(work, "job").await.with_context(|| work.name)?;
        }
        per(work.times, before, start.elapsed())
    }

    /// The same by other programs.
    pub(crate) async fn by_others(&self, work: &Work) -> Result<Cost> {
        let folder = self.empty("other")?;
        let input = self.folder.join(work.input);
        let (before, start) = (cpu::cpu_of_gone(std::process::id())?, clock::now());
        for _ in 0..work.times {
            run(&folder, work.script, &input.to_string_lossy()).await.with_context(|| work.name)?;
        }
        per(work.times, before, start.elapsed())
    }

    /// Has workers do it so often, so many at once; how long all took.
    pub(crate) async fn by_workers(
        &self,
        work: &'static Work,
        count: usize,
        at_once: usize,
    ) -> Result<Duration> {
        let start = clock::now();
        let mut lanes = JoinSet::new();
        for lane in 0..at_once {
            let bank = self.clone();
            lanes.spawn_local(async move {
                for _ in (lane..count).step_by(at_once) {
                    bank.once(work, &format!("job-{lane}")).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = lanes.join_next().await {
            done.context("no task panics")??;
        }
        Ok(start.elapsed())
    }

    async fn once(&self, work: &Work, name: &str) -> Result<()> {
        let folder = self.empty(name)?;
        fs::hard_link(self.folder.join(work.input), folder.join("input"))?;
        fs::write(folder.join("job.json"), work.job)?;
        let mut command = Command::new(&self.worker);
        command.arg(&folder).env_clear().stdin(Stdio::null()).kill_on_drop(true);
        let ended = command.output().await.context("run the media worker")?;
        let said = String::from_utf8_lossy(&ended.stdout);
        ensure!(ended.status.success(), "the media worker ended with {}: {said}", ended.status);
        let line: Value = serde_json::from_str(&said).context("the media worker's line")?;
        let made = line["files"].as_array().map_or(0, Vec::len);
        let told = line["waveform"].is_array();
        ensure!(made > 0 || told, "the media worker made nothing: {said}");
        Ok(())
    }

    fn empty(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

fn per(times: usize, before: Duration, wall: Duration) -> Result<Cost> {
    let times = u32::try_from(times)?;
    let cpu = cpu::cpu_of_gone(std::process::id())? - before;
    Ok(Cost { cpu: cpu / times, wall: wall / times })
}

/// The program that a work is beside and that is not installed, if there is one.
pub(crate) fn missing(work: &Work) -> Option<&'static str> {
    let there = |program: &&str| {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "command -v \"$1\"", "sh", program]).stdout(Stdio::null());
        command.status().is_ok_and(|it| it.success())
    };
    work.other.split(", ").find(|it| !there(it))
}

async fn run(folder: &Path, script: &str, input: &str) -> Result<()> {
    let script = format!("{SHELL}{script}");
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", input]).current_dir(folder).stdin(Stdio::null());
    let ended = command.kill_on_drop(true).output().await.context("run a shell")?;
    ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Ok(())
}

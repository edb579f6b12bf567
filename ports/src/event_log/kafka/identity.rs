//! Which log this is: the first record of a topic that has one partition decides.
//!
//! Record: version u8, log 16 bytes, epoch u32, partitions u16, big-endian.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use rdkafka::config::FromClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::runtime::Handle;

use super::catch_up::CatchUp;
use super::settings::{CALL_MAX, Settings};
use super::topics::Topics;
use super::{PORT, unavailable};
use crate::Error;
use crate::event_log::Identity;

const VERSION: u8 = 1;
const BYTES: usize = 23;

/// Finds out which log this is, or makes it the candidate; the topics are there afterwards.
pub(super) fn decide(
    settings: &Settings,
    topics: &Topics,
    candidate: Identity,
    runtime: &Handle,
) -> Result<Identity, Error> {
    topics.ensure(&settings.identity, 1)?;
    topics.check(&settings.identity, 1)?;
    let first = CatchUp::new(settings, settings.identity.clone());
    let decided = || -> Result<Option<Identity>, Error> {
        let end = topics.ends(&settings.identity, 1)?;
        first.first(end[0])?.map(decoded).transpose()
    };
    let identity = match decided()? {
        Some(identity) => identity,
        None => {
            // The records' topic is there before the identity is: a known log without it is lost.
            topics.ensure(&settings.log, candidate.partitions)?;
            topics.check(&settings.log, candidate.partitions)?;
            let ends = topics.ends(&settings.log, candidate.partitions)?;
            match decided()? {
                Some(identity) => identity,
                // Whoever appends has read an identity before.
                None if ends.iter().any(|it| *it > 0) => {
                    return Err(Error::corrupt(PORT, "there are records and no identity"));
                }
                None => {
                    propose(settings, candidate, runtime)?;
                    let lost = || Error::corrupt(PORT, "the identity is gone again");
                    decided()?.ok_or_else(lost)?
                }
            }
        }
    };
    if !topics.exists(&settings.log)? {
        return Err(Error::corrupt(PORT, "there is an identity and no topic of records"));
    }
    topics.check(&settings.log, identity.partitions)?;
    Ok(identity)
}

/// Appends the candidate; others may do so at the same time, and the first one is the identity.
fn propose(settings: &Settings, candidate: Identity, runtime: &Handle) -> Result<(), Error> {
    let producer: FutureProducer =
        FromClientConfig::from_config(&settings.producer()).map_err(unavailable)?;
    let record = encoded(candidate);
    let record = FutureRecord::<(), [u8]>::to(&settings.identity).partition(0).payload(&record);
    let sent = runtime.block_on(producer.send(record, CALL_MAX));
    sent.map(drop).map_err(|(error, _)| unavailable(error))
}

fn encoded(identity: Identity) -> Bytes {
    let mut bytes = BytesMut::with_capacity(BYTES);
    bytes.put_u8(VERSION);
    bytes.put_slice(&identity.log);
    bytes.put_u32(identity.epoch);
    bytes.put_u16(identity.partitions);
    bytes.freeze()
}

fn decoded(mut bytes: Bytes) -> Result<Identity, Error> {
    if bytes.len() != BYTES || bytes.get_u8() != VERSION {
        return Err(Error::corrupt(PORT, "the identity is not readable"));
    }
    let mut log = [0; 16];
    bytes.copy_to_slice(&mut log);
    Ok(Identity { log, epoch: bytes.get_u32(), partitions: bytes.get_u16() })
}

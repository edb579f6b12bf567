//! Which log this is: the first record of a topic that has one partition decides. Later records of
//! the same log say how it stands, the last of them in force, until one says that it has moved.

use bytes::Bytes;
use rdkafka::config::FromClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::runtime::Handle;

use super::PORT;
use crate::Error;
use crate::event_log::{Identity, Standing};
use crate::kafka::{CALL_MAX, CatchUp, Kept, Settings, Topics, unavailable};

/// Records of the topic at most: one for each node that was there at birth, and a few a move.
const RECORDS_MAX: usize = 1_024;

type Decided = (Identity, Standing);

/// Finds out which log this is, or makes it the candidate; the topics are there afterwards.
pub(super) fn decide(
    settings: &Settings,
    topics: &Topics,
    candidate: &Identity,
    standing: Standing,
    runtime: &Handle,
) -> Result<Decided, Error> {
    topics.ensure(&settings.identity, 1, Kept::All)?;
    topics.check(&settings.identity, 1, Kept::All)?;
    let (identity, standing) = match decided(settings, topics)? {
        Some(decided) => decided,
        None => {
            // The records' topic is there before the identity is: a known log without it is lost.
            topics.ensure(&settings.log, candidate.partitions, Kept::All)?;
            topics.check(&settings.log, candidate.partitions, Kept::All)?;
            let ends = topics.ends(&settings.log, candidate.partitions)?;
            match decided(settings, topics)? {
                Some(decided) => decided,
                // Whoever appends has read an identity before.
                None if ends.iter().any(|it| *it > 0) => {
                    return Err(Error::corrupt(PORT, "there are records and no identity"));
                }
                None => {
                    propose(settings, candidate, &standing, runtime).map_err(unavailable)?;
                    let lost = || Error::corrupt(PORT, "the identity is gone again");
                    decided(settings, topics)?.ok_or_else(lost)?
                }
            }
        }
    };
    if !topics.exists(&settings.log)? {
        return Err(Error::corrupt(PORT, "there is an identity and no topic of records"));
    }
    topics.check(&settings.log, identity.partitions, Kept::All)?;
    Ok((identity, standing))
}

/// Says how the log stands; gives how it stands then.
pub(super) fn stand(
    settings: &Settings,
    identity: &Identity,
    standing: &Standing,
    runtime: &Handle,
) -> Result<Standing, Error> {
    let topics = Topics::new(settings, runtime)?;
    let said = propose(settings, identity, standing, runtime);
    said.map_err(|it| Error::unknown(PORT, it))?;
    let lost = || Error::corrupt(PORT, "the identity is gone");
    decided(settings, &topics)?.map(|it| it.1).ok_or_else(lost)
}

fn decided(settings: &Settings, topics: &Topics) -> Result<Option<Decided>, Error> {
    let end = topics.ends(&settings.identity, 1)?[0];
    let records = CatchUp::new(settings, settings.identity.clone()).first(RECORDS_MAX + 1, end)?;
    if records.len() > RECORDS_MAX {
        return Err(Error::corrupt(PORT, "the identity has too many records"));
    }
    folded(records)
}

/// What a topic says whose records these are.
fn folded(records: Vec<Bytes>) -> Result<Option<Decided>, Error> {
    let mut decided: Option<Decided> = None;
    for record in records {
        let unreadable = || Error::corrupt(PORT, "the identity is not readable");
        let (identity, standing) = Identity::decode(record).ok_or_else(unreadable)?;
        match &mut decided {
            None => decided = Some((identity, standing)),
            // Other nodes may have proposed at the same time; what has moved stays so.
            Some((first, stands)) => {
                if *first == identity && !matches!(stands, Standing::Moved(_)) {
                    *stands = standing;
                }
            }
        }
    }
    Ok(decided)
}

/// Appends a record; others may do so at the same time, and the first one is the identity.
fn propose(
    settings: &Settings,
    identity: &Identity,
    standing: &Standing,
    runtime: &Handle,
) -> Result<(), KafkaError> {
    let producer: FutureProducer = FromClientConfig::from_config(&settings.producer())?;
    let record = identity.encode(standing);
    let record = FutureRecord::<(), [u8]>::to(&settings.identity).partition(0).payload(&record[..]);
    let sent = runtime.block_on(producer.send(record, CALL_MAX));
    sent.map(drop).map_err(|(error, _)| error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::System;

    #[test]
    fn the_first_identity_holds_and_its_last_standing_until_it_has_moved() {
        let (first, other) = (Identity::new(8, &System), Identity::new(8, &System));
        let mut records = Vec::new();
        assert_eq!(folded(records.clone()).unwrap(), None);
        let there = || Standing::Moved("there".into());
        for (identity, said, stands) in [
            (&first, Standing::Copy, Standing::Copy),
            (&other, Standing::Serving, Standing::Copy),
            (&first, Standing::Serving, Standing::Serving),
            (&first, there(), there()),
            (&first, Standing::Serving, there()),
            (&first, Standing::Moved("elsewhere".into()), there()),
        ] {
            records.push(identity.encode(&said));
            assert_eq!(folded(records.clone()).unwrap(), Some((first.clone(), stands)));
        }
        records.push(Bytes::from_static(b"nonsense"));
        assert!(folded(records).is_err());
    }
}

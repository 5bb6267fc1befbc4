//! Giving an artifact to the runtime, and waiting for its answer to exactly this one.

use std::fs;
use std::path::Path;

use liveswap::{Event, Outcome, Reload};

use crate::copy;
use crate::error::Error;
use crate::fault::Fault;
use crate::lab::{DEADLINE, Lab};
use crate::outcome::Built;

impl Lab {
    pub(crate) fn build_and_offer(&self) -> Result<(Built, Reload), Error> {
        let fault = self.next_fault.take();
        let built = self.build()?;
        let reload = match fault {
            None => self.offer(&built.artifact)?,
            Some(fault) => self.offer_spoiled(&built.artifact, fault)?,
        };
        Ok((built, reload))
    }

    fn offer_spoiled(&self, artifact: &Path, fault: Fault) -> Result<Reload, Error> {
        let aside = self.artifact.with_extension("part");
        copy::remove(&aside)?;
        fault.spoil(artifact, &aside)?;
        if fault == Fault::Gone {
            copy::remove(&self.artifact)?;
            // Nothing appears, so nothing would be noticed.
            return Ok(self.runtime.reload_now()?);
        }
        self.publish(&aside)
    }

    /// Renames a file to where the runtime looks and waits for what it says about these bytes.
    pub(crate) fn publish(&self, aside: &Path) -> Result<Reload, Error> {
        let mut hasher = blake3::Hasher::new();
        let digest = match hasher.update_mmap(aside) {
            Ok(_) => hasher.finalize().to_hex().to_string(),
            Err(_) if aside.is_dir() => "of a directory".to_owned(),
            Err(error) => return Err(Error::file("read", aside)(error)),
        };
        let events = self.runtime.events();
        if aside.is_dir() || self.artifact.is_dir() {
            copy::remove(&self.artifact)?;
        }
        fs::rename(aside, &self.artifact).map_err(Error::file("write", &self.artifact))?;
        let is_ours = |reload: &Reload| match &reload.outcome {
            // The runtime looks again by itself.
            Outcome::Superseded => false,
            // What could not be read to its end has no digest.
            Outcome::Refused(_) if reload.digest.is_none() => true,
            _ => reload.digest.as_ref() == Some(&digest),
        };
        let answer = events.find_within(DEADLINE, |event| match event {
            Event::Reloaded(reload) if is_ours(&reload) => Some(reload),
            _ => None,
        });
        answer.ok_or_else(|| Error::NoAnswer {
            digest,
            seconds: DEADLINE.as_secs(),
            status: format!("{:?}", self.runtime.status()),
        })
    }
}

/// An answer that a test does not expect.
pub(crate) fn unexpected(expected: &'static str, reload: &Reload) -> Error {
    let found = match &reload.outcome {
        Outcome::Swapped { generation, .. } => format!("generation {generation} was swapped in"),
        Outcome::Unchanged { generation } => {
            format!("the artifact is the one that runs, generation {generation}")
        }
        Outcome::Refused(refusal) => refusal.to_string(),
        Outcome::Superseded => "another artifact came in between".to_owned(),
    };
    Error::Unexpected { expected, found }
}

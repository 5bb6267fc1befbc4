//! What the runtime hears of code that panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::Sender;
use liveswap_abi::HotCrate;

use crate::announce::Announcer;
use crate::clock::{Clock, SystemClock};
use crate::event::{Event, HotPanic};
use crate::panics;
use crate::reload::Command;

/// Hears of every panic in artifacts; where generations are judged by them, tells the owner thread.
pub(super) fn listen(
    host: &'static HotCrate,
    announcer: &Announcer,
    judge: Option<Sender<Command>>,
) {
    panics::listen();
    let reports = announcer.clone();
    host.set_panic_listener(Some(Arc::new(move |report| {
        let (file, line, column) = report.location;
        let location = format!("{file}:{line}:{column}");
        panics::note(report.message, &location);
        reports.tell(&Event::Panicked { message: report.message.to_owned(), location });
    })));
    let Some(commands) = judge else { return };
    let told = AtomicU64::new(0);
    host.set_left_listener(Some(Arc::new(move |left| {
        // Relaxed: only keeps a storm of panics from filling the queue; the owner thread judges each generation once.
        if told.swap(left.generation, Ordering::Relaxed) == left.generation {
            return;
        }
        let panic = HotPanic {
            function: left.function.to_owned(),
            message: left.message.to_owned(),
            location: panics::place_of(left.message),
        };
        // Fails only when the owner thread has ended, and then nobody judges any more.
        let _ = commands.send(Command::Panicked(left.generation, panic, SystemClock.now()));
    })));
}

//! Builds of small real workspaces, from the save to the artifact inside a running host.

#![cfg(target_os = "linux")]

mod artifacts;
mod cancel;
mod changes;
mod configuration;
mod escapes;
mod fixture;
mod holds;
mod killed;
mod live;
mod neighbors;
mod recapture;
mod sealed;
mod traces;

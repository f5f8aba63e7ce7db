//! The store against a real disk, a second program that edits its file, full disks and sudden ends.

mod contract;
mod crash;
mod decisions;
mod decisions_edited;
mod decisions_forged;
mod file;
mod full_disk;
mod home;
mod lock;
mod logins;
mod migration;
mod restart;
mod rows;
mod tampering;

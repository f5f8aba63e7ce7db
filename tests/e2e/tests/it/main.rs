//! The real programs as their users meet them: developers, admins, agents in sandboxes, and whoever attacks.
//! One program for all of them: linked once, where thirty would be 50 MB each.

mod approvals;
mod caller_days;
mod clients;
mod commands;
mod disk_days;
mod escape;
mod keyring_days;
mod locks;
mod main_job;
mod ordinary_user;
mod policy_tools;
mod power_cuts;
mod provider_days;
mod providers;
mod refusals;
mod requirements;
mod restarts;
mod reviewer;
mod revoke_cuts;
mod run;
mod sandbox;
mod service;
mod srt;
mod webhook;

//! Picket's platform: web, worker and cron of an error tracker that every Sentry SDK reports to.
//!
//! A feature is a folder; `protocol` is pure; `app` holds what every feature is handed. Start reading at `web`, `worker` and
//! `events`.

pub mod access;
pub mod alerts;
pub mod app;
pub mod attachments;
pub mod audit;
pub mod auth;
pub mod channels;
pub mod check;
pub mod cli;
pub mod config;
pub mod crashes;
pub mod crew;
pub mod cron;
pub mod events;
pub mod feedback;
pub mod files;
pub mod health;
pub mod ingest;
pub mod issues;
pub mod items;
pub mod job;
pub mod mail;
pub mod members;
pub mod metrics;
pub mod monitors;
pub mod organizations;
pub mod outbound;
pub mod outcomes;
pub mod overview;
pub mod people;
pub mod permissions;
pub mod projects;
pub mod protocol;
pub mod queue;
pub mod quotas;
pub mod releases;
pub mod reports;
pub mod retention;
pub mod secrets;
pub mod standalone;
pub mod system;
pub mod teams;
pub mod ui;
pub mod upgrade;
pub mod web;
pub mod worker;

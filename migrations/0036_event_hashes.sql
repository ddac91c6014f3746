-- The first bytes of the fingerprint that gave an event its issue: enough to tell the fingerprints of one issue apart when
-- they are unmerged.
alter table events add column hash integer not null default 0;

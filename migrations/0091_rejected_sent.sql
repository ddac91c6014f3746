-- How a rejected event was sent: from where, when, and by which SDK; it is told by that when it is replayed.
-- json, not jsonb: what SDKs send may hold a NUL.
alter table rejected_events add column sent json;

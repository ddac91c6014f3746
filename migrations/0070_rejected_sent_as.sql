-- What a rejected event was sent as, where that is not an event's JSON: reports of browsers, crashes. json, not jsonb: what is sent may
-- hold a NUL.
alter table rejected_events add column sent_as json;

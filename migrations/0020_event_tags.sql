-- An event's tags, as numbers (a hash of project, key and value), so that events can be found and counted by them without their
-- bodies. The first three are always environment, release and user, 0 where the event has none; the others are in order.
alter table events add column tags bigint[] not null default '{}';

-- Only on the table: partitions that are there get theirs one by one, at the end of `picket upgrade`. What is not sorted in yet
-- is kept small, since searches read all of it.
create index events_by_tag on only events using gin (tags) with (gin_pending_list_limit = 1024);

-- In order of time, so that an issue's newest events are written side by side; reversed it took twice the space.
create index events_by_issue_and_time on only events (issue_id, occurred_at);

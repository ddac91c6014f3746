-- Events, partitioned by the UTC day web received them on: retention drops a partition, it never deletes rows.
create table events (
    project_id  bigint      not null,
    id          uuid        not null,
    received_on date        not null,
    received_at timestamptz not null,
    occurred_at timestamptz not null,
    issue_id    bigint      not null,
    level       smallint    not null,
    platform    text        not null,
    -- What the event did to its issue: 0 nothing, 1 created it, 2 reopened it. A second run decides the same alerts from it.
    effect      smallint    not null,
    -- The normalised event: JSON, compressed with zstd.
    body        bytea       not null,
    primary key (project_id, id, received_on)
) partition by range (received_on);
create index events_by_issue on events (project_id, issue_id, occurred_at desc, id desc);

-- Makes the partition of a day. Attaching takes SHARE UPDATE EXCLUSIVE, which lets inserts go on;
-- `create table … partition of` would stop them.
create function make_event_partition(day date) returns void language plpgsql as $$
declare
    name text := 'events_' || to_char(day, 'YYYYMMDD');
begin
    if to_regclass(name) is not null then return; end if;
    perform pg_advisory_xact_lock(hashtext('make_event_partition'));
    if to_regclass(name) is not null then return; end if;
    execute format('create table %I (like events including defaults including constraints)', name);
    execute format('alter table %I alter column body set storage external', name);
    execute format('alter table events attach partition %I for values from (%L) to (%L)', name, day, day + 1);
end
$$;

-- Events that could not be stored, with the reason, for a person to look at.
create table rejected_events (
    project_id  bigint      not null,
    id          uuid        not null,
    received_at timestamptz not null,
    reason      text        not null,
    body        bytea       not null,
    primary key (project_id, id)
);

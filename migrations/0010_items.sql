-- What envelopes hold besides events: sessions, attachments, check-ins … as they were sent, partitioned like events.
create table items (
    project_id  bigint      not null,
    -- Given by web, so that a message delivered twice is stored once.
    id          uuid        not null,
    received_on date        not null,
    received_at timestamptz not null,
    kind        text        not null,
    -- The event it belongs to, where it belongs to one.
    event_id    uuid,
    -- json, not jsonb: what SDKs send may hold a NUL.
    headers     json        not null,
    -- Compressed with zstd.
    body        bytea       not null,
    primary key (project_id, id, received_on)
) partition by range (received_on);
create index items_by_event on items (project_id, event_id) where event_id is not null;
create index items_by_kind on items (project_id, kind, received_at desc, id desc);

-- Makes the partition of a day, as make_event_partition does.
create function make_item_partition(day date) returns void language plpgsql as $$
declare
    name text := 'items_' || to_char(day, 'YYYYMMDD');
begin
    if to_regclass(name) is not null then return; end if;
    perform pg_advisory_xact_lock(hashtext('make_item_partition'));
    if to_regclass(name) is not null then return; end if;
    execute format('create table %I (like items including defaults including constraints)', name);
    execute format('alter table %I alter column body set storage external', name);
    execute format('alter table items attach partition %I for values from (%L) to (%L)', name, day, day + 1);
end
$$;

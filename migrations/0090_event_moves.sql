-- What is left to do for issues that were merged, taken apart or deleted: their events follow a part at a time. A row is
-- written with the decision and goes when its last event is where it belongs; those of a project are done in their order.
create table event_moves (
    project_id bigint not null,
    id         bigint not null generated always as identity,
    from_id    bigint not null,
    -- Null: the events are deleted.
    into_id    bigint,
    -- Only those of these fingerprints, by their first bytes; null: all.
    hashes     integer[],
    primary key (project_id, id)
);

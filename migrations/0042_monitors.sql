-- Periodic tasks that say when they run, and what they said.
create table monitors (
    project_id bigint      not null references projects on delete cascade,
    id         bigint      not null generated always as identity,
    slug       text        not null,
    -- How it is scheduled; null where nobody said.
    config     jsonb,
    created_at timestamptz not null,
    primary key (project_id, id),
    unique (project_id, slug)
);

-- The state of a monitor in each of its environments.
create table monitor_environments (
    project_id    bigint      not null,
    monitor_id    bigint      not null,
    environment   text        not null,
    is_failing    boolean     not null default false,
    -- Failures, or successes, in a row.
    failures      integer     not null default 0,
    successes     integer     not null default 0,
    last_check_in timestamptz,
    -- When the task should begin next, and after when it is missed.
    next_expected timestamptz,
    next_latest   timestamptz,
    primary key (project_id, monitor_id, environment),
    foreign key (project_id, monitor_id) references monitors on delete cascade
);
create index monitor_environments_due on monitor_environments (next_latest) where next_latest is not null;

create table check_ins (
    project_id   bigint      not null,
    id           uuid        not null,
    monitor_id   bigint      not null,
    environment  text        not null,
    -- 0 in progress, 1 ok, 2 error, 3 missed, 4 timeout, 5 unknown.
    status       smallint    not null,
    started_at   timestamptz not null,
    updated_at   timestamptz not null,
    expected_at  timestamptz,
    -- Milliseconds.
    duration     bigint,
    -- While it is in progress: when it has taken too long.
    times_out_at timestamptz,
    primary key (project_id, id),
    foreign key (project_id, monitor_id) references monitors on delete cascade
);
create index check_ins_by_monitor on check_ins (project_id, monitor_id, environment, started_at desc, id desc);
create index check_ins_due on check_ins (times_out_at) where times_out_at is not null;
create index check_ins_by_age on check_ins (started_at);

-- What is known of the users of a project's events, each by the tag that counts them: as they were last.
create table event_users (
    project_id bigint not null,
    -- As in events.tags.
    tag        bigint not null,
    id         text   not null default '',
    email      text   not null default '',
    username   text   not null default '',
    ip         text   not null default '',
    -- The last day they were; a day behind at the most.
    seen_on    date   not null,
    primary key (project_id, tag)
);
create index event_users_by_day on event_users (seen_on);

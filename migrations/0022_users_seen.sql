-- How many users an issue has hurt.
alter table issues add column users_seen bigint not null default 0;

-- Who they were, as a set that can only be counted and added to; see protocol/distinct.rs.
create table issue_users (
    project_id bigint not null,
    issue_id   bigint not null,
    users      bytea  not null,
    primary key (project_id, issue_id)
) with (fillfactor = 80);
alter table issue_users alter column users set storage external;

-- Where an issue that was merged into another is now; links to it are years old.
create table issue_redirects (
    project_id bigint not null,
    from_id    bigint not null,
    into_id    bigint not null,
    primary key (project_id, from_id)
);
-- The Web API names an issue by its number alone.
create index issue_redirects_by_number on issue_redirects (from_id);
create index issue_redirects_by_target on issue_redirects (project_id, into_id);

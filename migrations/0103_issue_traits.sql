-- What else an issue is found by: the errors, functions, files, requests and devices of its events. Noted once and not counted;
-- no more than so many values of a key.
create table issue_traits (
    project_id bigint not null,
    issue_id   bigint not null,
    key        text   not null,
    -- A number of project, key and value, as a tag has one.
    trait      bigint not null,
    value      text   not null,
    primary key (project_id, issue_id, key, trait),
    foreign key (project_id, issue_id) references issues on delete cascade
);
create index issue_traits_by_trait on issue_traits (project_id, trait, issue_id);
create index issue_traits_by_key on issue_traits (project_id, key);

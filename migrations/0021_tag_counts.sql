-- How often an issue's events had a tag, and when: browsers, releases, environments, users … of an issue. No more than so many
-- values of a key are kept of an issue; the events of further ones are counted together, in issue_tag_keys.
create table issue_tags (
    project_id bigint      not null,
    issue_id   bigint      not null,
    -- As in events.tags.
    tag        bigint      not null,
    events     bigint      not null,
    first_seen timestamptz not null,
    last_seen  timestamptz not null,
    key        text        not null,
    value      text        not null,
    primary key (project_id, issue_id, tag)
) with (fillfactor = 80);
-- The issues that have a tag: what a search asks.
create index issue_tags_by_tag on issue_tags (project_id, tag, issue_id);

create table issue_tag_keys (
    project_id bigint not null,
    issue_id   bigint not null,
    key        text   not null,
    -- How many different ones are in issue_tags.
    values     bigint not null,
    -- Events whose value is not.
    others     bigint not null,
    primary key (project_id, issue_id, key)
) with (fillfactor = 80);
create index issue_tag_keys_by_key on issue_tag_keys (project_id, key, issue_id);

-- The values of a project's tags, for whoever types a search; bounded by key, too.
create table tag_values (
    project_id bigint not null,
    tag        bigint not null,
    key        text   not null,
    value      text   not null,
    -- The last day it was; a day behind at the most.
    seen_on    date   not null,
    primary key (project_id, tag)
);
create index tag_values_by_key on tag_values (project_id, key, value);

create table tag_keys (
    project_id bigint not null,
    key        text   not null,
    values     bigint not null,
    primary key (project_id, key)
);

-- Counters are updated in place as long as their page has room.
alter table issue_hours set (fillfactor = 80);

-- What people decided about an issue, beyond its status: where the fix is, or until when it is ignored. Its shape is
-- `issues::lifecycle::Decision`; null says no more than the status.
alter table issues add column decision jsonb;

-- Ignored issues that come back at a time, for cron to find.
create table issue_snoozes (
    project_id bigint      not null,
    issue_id   bigint      not null,
    until      timestamptz not null,
    primary key (project_id, issue_id)
);
create index issue_snoozes_by_time on issue_snoozes (until);

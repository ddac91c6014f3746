-- What users wrote: about an event (`user_report`, the crash-report dialog), or of their own accord (`feedback`).
create table user_reports (
    project_id  bigint      not null references projects on delete cascade,
    id          uuid        not null,
    received_at timestamptz not null,
    -- The event it is about, which may come later, or never.
    event_id    uuid,
    -- Feedback is an event itself, and its screenshots belong to it; a report has none.
    own_event_id uuid,
    name        text        not null,
    email       text        not null,
    comments    text        not null,
    -- The page it was written on.
    url         text,
    primary key (project_id, id)
);
-- A report that is sent again replaces the one before.
create unique index user_reports_one_per_event on user_reports (project_id, event_id) where own_event_id is null;
create index user_reports_by_event on user_reports (project_id, event_id) where event_id is not null;
create index user_reports_by_time on user_reports (project_id, received_at desc, id desc);

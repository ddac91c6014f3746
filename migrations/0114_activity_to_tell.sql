-- Who takes part in an issue is told by mail what happens to it: what is not told yet is found here. What happened before is not
-- told any more. The column comes with no rewrite; an older worker's rows are told by the first new one.
alter table issue_activity add column is_told boolean not null default true;
alter table issue_activity alter column is_told set default false;
create index issue_activity_to_tell on issue_activity (id) where not is_told;

-- What is told is something that happened to the issue, and no rule's.
alter table deliveries add column activity_id bigint;
-- What people were told lately, and what their mail server refused.
create index deliveries_of_person on deliveries (user_id, created_at desc) where user_id <> 0;

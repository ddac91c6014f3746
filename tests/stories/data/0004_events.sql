select make_event_partition(current_date), make_event_partition(current_date);
insert into events (project_id, id, received_on, received_at, occurred_at, issue_id, level, platform, effect, body)
select project_id, gen_random_uuid(), current_date, now(), now(), id, 40, 'python', 1, '\x00' from issues;
insert into rejected_events (project_id, id, received_at, reason, body) select id, gen_random_uuid(), now(), 'no JSON', '{' from projects;

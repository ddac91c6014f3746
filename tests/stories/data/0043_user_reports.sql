insert into user_reports (project_id, id, received_at, event_id, name, email, comments)
select project_id, gen_random_uuid(), now(), id, 'Grace', 'grace@example.com', 'It broke' from events;

insert into monitors (project_id, slug, created_at) select id, 'backup', now() from projects;
insert into monitor_environments (project_id, monitor_id, environment) select project_id, id, 'production' from monitors;
insert into check_ins (project_id, id, monitor_id, environment, status, started_at, updated_at)
select project_id, gen_random_uuid(), id, 'production', 1, now(), now() from monitors;

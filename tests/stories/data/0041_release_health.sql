insert into health_hours (project_id, release, environment, hour, sessions, crashed)
select id, 'shop@1.0.0', 'production', date_trunc('hour', now()), 10, 1 from projects;

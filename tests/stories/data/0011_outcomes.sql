insert into outcomes (project_id, hour, category, outcome, reason, quantity)
select id, date_trunc('hour', now()), 'error', 0, '', 1 from projects;

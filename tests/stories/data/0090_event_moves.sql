insert into event_moves (project_id, from_id, into_id, hashes) select project_id, 0, min(id), array[7] from issues group by project_id;
insert into event_moves (project_id, from_id) select id, 0 from projects;

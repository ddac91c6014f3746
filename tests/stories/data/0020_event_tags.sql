update events set tags = array[1, 2, 3, project_id] where ctid in (select ctid from events limit 10);

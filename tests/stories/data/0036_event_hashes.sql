update events set hash = 7;

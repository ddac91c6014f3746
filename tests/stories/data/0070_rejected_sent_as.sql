update rejected_events set sent_as = '{"report": {}}';

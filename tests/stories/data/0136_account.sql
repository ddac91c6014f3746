update users set language = 'zh', theme = 'dark';

/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40103 SET TIME_ZONE='+00:00' */;
INSERT INTO `networks` VALUES
("8a1b9f6e-0c55-4d54-9a3f-3ad0bb1a5b5e","aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","München"),
("8a1b9f6e-0c55-4d54-9a3f-3ad0bb1a5b5f",NULL,"quote\' and \\ and \n line");

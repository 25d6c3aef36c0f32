/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;
/*!40103 SET TIME_ZONE='+00:00' */;
INSERT INTO `ports` VALUES
("p1","8a1b9f6e-0c55-4d54-9a3f-3ad0bb1a5b5e","","fa:16:3e:aa:bb:cc","2013-05-10 16:01:45");

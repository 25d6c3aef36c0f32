/*!40101 SET NAMES binary*/;
/*!40014 SET FOREIGN_KEY_CHECKS=0*/;

/*!40103 SET TIME_ZONE='+00:00' */;
CREATE TABLE `subnets` (
  `id` varchar(36) NOT NULL,
  `network_id` varchar(36) DEFAULT NULL,
  `cidr` varchar(64) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `s` (`network_id`),
  CONSTRAINT `s` FOREIGN KEY (`network_id`) REFERENCES `networks` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

/*!40101 SET NAMES binary*/;
CREATE TABLE `named`(
`name` int
)ENGINE=MyISAM;

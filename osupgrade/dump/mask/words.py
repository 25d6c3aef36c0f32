"""The words of SQL itself: they say nothing about a site and stay wherever they occur."""

from __future__ import annotations

from sqlalchemy.dialects.mysql.reserved_words import RESERVED_WORDS_MARIADB, RESERVED_WORDS_MYSQL


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


FUNCTIONS = words(
    """
abs acos adddate addtime aes_decrypt aes_encrypt any_value ascii asin atan atan2 avg benchmark bin bit_and bit_count
bit_length bit_or bit_xor cast ceil ceiling char char_length character_length charset coalesce coercibility collation
column_get compress concat concat_ws connection_id conv convert convert_tz cos cot count crc32 curdate current_date
current_time current_timestamp current_user curtime database date date_add date_format date_sub datediff day dayname
dayofmonth dayofweek dayofyear default degrees elt exp export_set extract extractvalue field find_in_set floor format
found_rows from_base64 from_days from_unixtime get_format get_lock greatest group_concat hex hour if ifnull in
inet_aton inet_ntoa inet6_aton inet6_ntoa insert instr interval is_free_lock isnull json_array json_contains
json_exists json_extract json_keys json_length json_object json_quote json_search json_type json_unquote json_valid
json_value last_day last_insert_id lcase least left length ln localtime localtimestamp locate log log10 log2 lower lpad
ltrim make_set makedate maketime match max md5 microsecond mid min minute mod month monthname name_const now nullif oct
octet_length ord period_add period_diff pi position pow power quarter quote radians rand random regexp regexp_instr
regexp_replace regexp_substr release_lock repeat replace reverse right round row_count rpad rtrim schema sec_to_time
second session_user sha sha1 sha2 sign sin soundex space sqrt std stddev stddev_pop stddev_samp str_to_date strcmp
subdate substr substring substring_index subtime sum sysdate system_user tan time time_format time_to_sec timediff
timestamp timestampadd timestampdiff to_base64 to_days to_seconds trim truncate ucase unhex unix_timestamp upper user
utc_date utc_time utc_timestamp uuid uuid_short value values var_pop var_samp variance version week weekday weekofyear
weight_string year yearweek
"""
)
"""Functions of MySQL 5.6 to MariaDB 10.11 that need no function of the site's own."""

_OTHERS = words(
    """
after ascending before begin binary body boolean btree close committed conditions contains current cursor data
deallocate declare definer delimiter deterministic do each elseif end engine exit extended fetch found for handler hash
history identity ignore invoker isolation iterate language leave level local loop merge message_text mode modifies
mysql_errno names new next none no nocopy old open out prepare previous procedure quick reads repeatable return returns
row rows rtree savepoint security session signal sql sqlexception sqlstate sqlwarning start system temptable then
transaction undefined unknown until utf8 utf8mb3 utf8mb4 latin1 ascii ucs2 utf8_general_ci utf8_unicode_ci utf8_bin
latin1_swedish_ci latin1_general_ci latin1_bin utf8mb4_general_ci utf8mb4_unicode_ci utf8mb4_bin work bit blob bool char
date datetime decimal double enum float int integer json longblob longtext mediumblob mediumint mediumtext numeric real
set signed smallint text time timestamp tinyblob tinyint tinytext unsigned varbinary varchar varying year zerofill
algorithm view status password host port comment value event action
"""
)

KEYWORDS = frozenset(word.lower() for word in RESERVED_WORDS_MYSQL | RESERVED_WORDS_MARIADB) | _OTHERS
WORDS = KEYWORDS | FUNCTIONS

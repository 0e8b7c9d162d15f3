//! The services and protocols that answer where a machine has no file of its own.
//!
//! Floor 1. Pure: two texts in the format of the files, read by the same code. The numbers are
//! those of the IANA registries "Service Name and Transport Protocol Port Number" and "Protocol
//! Numbers". Aliases are the other names that the files of common systems have.

/// Services that programs ask for, ordered by port.
pub(super) const SERVICES: &str = "\
tcpmux           1/tcp
echo             7/tcp
echo             7/udp
discard          9/tcp    sink null
discard          9/udp    sink null
systat          11/tcp    users
daytime         13/tcp
daytime         13/udp
qotd            17/tcp    quote
qotd            17/udp    quote
chargen         19/tcp    ttytst source
chargen         19/udp    ttytst source
ftp-data        20/tcp
ftp             21/tcp
ssh             22/tcp
telnet          23/tcp
smtp            25/tcp    mail
time            37/tcp    timserver
time            37/udp    timserver
nameserver      42/tcp    name
nameserver      42/udp    name
nicname         43/tcp    whois
tacacs          49/tcp
tacacs          49/udp
domain          53/tcp
domain          53/udp
bootps          67/udp    dhcps
bootpc          68/udp    dhcpc
tftp            69/udp
gopher          70/tcp
finger          79/tcp
http            80/tcp    www www-http
kerberos        88/tcp    kerberos5 krb5 kerberos-sec
kerberos        88/udp    kerberos5 krb5 kerberos-sec
hostname       101/tcp    hostnames
iso-tsap       102/tcp    tsap
pop3           110/tcp    pop-3
sunrpc         111/tcp    portmapper rpcbind
sunrpc         111/udp    portmapper rpcbind
auth           113/tcp    authentication tap ident
nntp           119/tcp    usenet readnews untp
ntp            123/udp
epmap          135/tcp    loc-srv
epmap          135/udp    loc-srv
netbios-ns     137/tcp    nbname
netbios-ns     137/udp    nbname
netbios-dgm    138/udp    nbdatagram
netbios-ssn    139/tcp    nbsession
imap           143/tcp    imap2 imap4
snmp           161/udp
snmp           161/tcp
snmptrap       162/udp    snmp-trap
snmptrap       162/tcp    snmp-trap
xdmcp          177/udp
bgp            179/tcp
irc            194/tcp
ptp-event      319/udp
ptp-general    320/udp
ldap           389/tcp
ldap           389/udp
svrloc         427/tcp
svrloc         427/udp
https          443/tcp
https          443/udp
microsoft-ds   445/tcp
kpasswd        464/tcp
kpasswd        464/udp
submissions    465/tcp    smtps ssmtp urd
isakmp         500/udp    ike
exec           512/tcp
biff           512/udp    comsat
login          513/tcp
who            513/udp    whod
shell          514/tcp    cmd
syslog         514/udp
printer        515/tcp    spooler
talk           517/udp
ntalk          518/udp
router         520/udp    route routed
uucp           540/tcp    uucpd
klogin         543/tcp
kshell         544/tcp    krcmd
dhcpv6-client  546/udp
dhcpv6-server  547/udp
afpovertcp     548/tcp
rtsp           554/tcp
rtsp           554/udp
nntps          563/tcp    snntp
submission     587/tcp
ipp            631/tcp
ldaps          636/tcp    sldap
kerberos-adm   749/tcp
domain-s       853/tcp
domain-s       853/udp
rsync          873/tcp
ftps-data      989/tcp
ftps           990/tcp
telnets        992/tcp
imaps          993/tcp
pop3s          995/tcp    spop3
socks         1080/tcp
rmiregistry   1099/tcp
openvpn       1194/udp
openvpn       1194/tcp
ms-sql-s      1433/tcp
ms-sql-m      1434/udp
l2tp          1701/udp    l2f
pptp          1723/tcp
radius        1812/udp
radius-acct   1813/udp    radacct
mqtt          1883/tcp
ssdp          1900/udp
nfs           2049/tcp    nfsd
nfs           2049/udp    nfsd
docker        2375/tcp
docker-s      2376/tcp
etcd-client   2379/tcp
etcd-server   2380/tcp
cvspserver    2401/tcp
dict          2628/tcp
icpv2         3130/udp    icp
iscsi-target  3260/tcp
mysql         3306/tcp
ms-wbt-server 3389/tcp    rdp
ms-wbt-server 3389/udp    rdp
stun          3478/udp    turn
stun          3478/tcp    turn
teredo        3544/udp
svn           3690/tcp    subversion
sieve         4190/tcp
epmd          4369/tcp
ntske         4460/tcp
ipsec-nat-t   4500/udp
sip           5060/udp
sip           5060/tcp
sips          5061/tcp    sip-tls
xmpp-client   5222/tcp    jabber-client
xmpp-server   5269/tcp    jabber-server
stuns         5349/tcp    turns
mdns          5353/udp
llmnr         5355/udp
llmnr         5355/tcp
postgresql    5432/tcp    postgres
amqps         5671/tcp
amqp          5672/tcp
amqp          5672/sctp
coap          5683/udp
coaps         5684/udp
rfb           5900/tcp    vnc
couchdb       5984/tcp
wsman         5985/tcp
wsmans        5986/tcp
wbem-http     5988/tcp
wbem-https    5989/tcp
x11           6000/tcp    x11-0
redis         6379/tcp
syslog-tls    6514/tcp
ircu          6667/tcp    ircd
ircs-u        6697/tcp    ircs
http-alt      8080/tcp    webcache
secure-mqtt   8883/tcp    mqtts
git           9418/tcp
zabbix-agent 10050/tcp
memcache     11211/tcp    memcached
memcache     11211/udp    memcached
mongodb      27017/tcp
";

/// Protocols that an IP header can name, ordered by number. The first alias is the name as papers spell it.
pub(super) const PROTOCOLS: &str = "\
ip                0  IP
hopopt            0  HOPOPT
icmp              1  ICMP
igmp              2  IGMP
ggp               3  GGP
ipencap           4  IP-ENCAP
st                5  ST
tcp               6  TCP
cbt               7  CBT
egp               8  EGP
igp               9  IGP
pup              12  PUP
udp              17  UDP
hmp              20  HMP
xns-idp          22  XNS-IDP
rdp              27  RDP
irtp             28  IRTP
iso-tp4          29  ISO-TP4
dccp             33  DCCP
xtp              36  XTP
ddp              37  DDP
idpr-cmtp        38  IDPR-CMTP
ipv6             41  IPv6
ipv6-route       43  IPv6-Route
ipv6-frag        44  IPv6-Frag
idrp             45  IDRP
rsvp             46  RSVP
gre              47  GRE
esp              50  IPSEC-ESP
ah               51  IPSEC-AH
skip             57  SKIP
ipv6-icmp        58  IPv6-ICMP icmpv6
ipv6-nonxt       59  IPv6-NoNxt
ipv6-opts        60  IPv6-Opts
rspf             73  RSPF CPHB
vmtp             81  VMTP
eigrp            88  EIGRP
ospf             89  OSPFIGP
ax.25            93  AX.25
ipip             94  IPIP
etherip          97  ETHERIP
encap            98  ENCAP
pim             103  PIM
ipcomp          108  IPCOMP
vrrp            112  VRRP
pgm             113  PGM
l2tp            115  L2TP
isis            124  ISIS
sctp            132  SCTP
fc              133  FC
mobility-header 135  Mobility-Header
udplite         136  UDPLite
mpls-in-ip      137  MPLS-in-IP
manet           138  MANET
hip             139  HIP
shim6           140  Shim6
wesp            141  WESP
rohc            142  ROHC
ethernet        143  Ethernet
";

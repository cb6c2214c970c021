import { COMMON_PHRASES } from './common-phrases.ts';

/*
 * Passwords that are tried first, in lower case: written down from public
 * knowledge of what people choose, and not copied from a list. A word stands
 * here once, because what people do to it (digits and signs around it, letters
 * written as digits, the same again) is found by rule in `weak-password.ts`.
 */

/** What stands at the top of every list of leaked passwords, and what is like it. */
const CLASSICS = `
password passwords passwort passwd passw pass passe passcode passkey passme passpass passion passport passit
mypassword mypass mypasswd mysecret thepassword newpassword oldpassword yourpassword nopassword
defaultpassword temppassword userpassword adminpassword rootpassword testpassword changeme changemenow
changeit changethis changepassword default defaults admin admins administrator administrador adminadmin root
toor rootroot superuser supervisor sysadmin system systems sysop operator manager guest user users username
login logon logmein signin letmein letmeinnow letmesee openup opensesame sesame welcome welcomeback
welcomehome wilkommen willkommen bienvenue bienvenido secret secrets topsecret topsecrets verysecret private
personal access accessdenied accessgranted master masters masterkey mastermind masterpassword killer killers
killme killall trustno1 trustme trustnoone whatever whatsup whatthe whatnot iloveyou iloveu iloveme iloveher
ilovehim ilovegod ilovejesus ilovemom ilovedad ilovemusic iloveit ihateyou ihateu ihatelife loveyou lovelove
loveme loveu lovers lover lovely lovebug loveable loving lovehurts love loveless foreverlove truelove mylove
myloves firstlove babylove lovebird lovestory loveforever monkey monkeys dragon dragons dragonball
dragonballz shadow shadows sunshine sunshines moonlight moonshine princess princesa prinzessin princesse
prince queen queens kingking king kings qwerty qwert qwer qwe qwertz qwertyu qwertyui qwertyuio qwertyuiop
azerty azertyuiop asdf asdfg asdfgh asdfghj asdfghjk asdfghjkl asd asdasd asdqwe qweasd qweasdzxc qazwsx
qazwsxedc qazwsxedcrfv qazqaz zaqwsx zaqxsw zaqxswcde xswzaq wsxqaz zxc zxcv zxcvb zxcvbn zxcvbnm poiuyt
poiuytrewq lkjhgf lkjhgfdsa mnbvcx mnbvcxz ytrewq trewq rewq wasd edcrfv rfvtgb abc abcd abcde abcdef abcdefg
abcdefgh abcabc aaa aaaa aaaaaa aaaaaaaa a1b2c3 a1b2c3d4 a1s2d3f4 1q2w3e 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y
q1w2e3 q1w2e3r4 q1w2e3r4t5 1qaz 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 2wsx3edc zaq1 zaq12wsx zaq1xsw2 xsw2zaq1
qweqwe qwe123qwe qwertyqwerty asdzxc zxcasd zxcasdqwe zxczxc aa123456 a123456 1a2b3c 1a2b3c4d 123 1234 12345
123456 1234567 12345678 123456789 1234567890 0123456789 0987654321 987654321 87654321 7654321 654321 54321
4321 321 111111 11111111 222222 333333 444444 555555 666666 777777 7777777 888888 88888888 999999 000000
00000000 112233 11223344 1122334455 121212 123123 123123123 123321 1234321 123454321 12341234 123654 159753
159357 147258 147258369 147852 147852369 741852 741852963 789456 789456123 963852741 951753 753951 456789
456123 369258147 258456 131313 141414 101010 10101010 102030 1020304050 100200 100200300 110110 123456123456
212121 232323 252525 246810 13579 135790 1357924680 2468013579 24680 11235813 112358132134 314159 3141592
31415926 314159265 3141592653 31415926535 314159265358979 3141592653589793 271828 2718281828 27182818284590
271828182845904 141421356 161803398 1618033988 420420 69696969 696969 6969 4204206969 8675309 5201314 520520
1314520 7758521 5211314 147147 159159 258258 456456 789789 456654 135246 192837 192837465 1029384756 19283746
667788 445566 778899 998877 998877665544 332211 124578 235689 134679 179324865 1123581321 football futbol
soccer baseball basketball hockey softball volleyball tennis golf golfer golfing cricket rugby boxing
wrestling swimming surfing surfer skater skateboard skiing snowboard fishing fishon hunting hunter hunters
running runner cycling biker sports sport sporty champion champions championship winner winners winning loser
losers number1 numberone player players playboy playgirl gamer gamers gaming gameover games game batman
superman spiderman ironman wonderwoman superwoman catwoman aquaman hulk wolverine deadpool joker starwars
startrek starwar skywalker lukeskywalker darthvader vader yoda jedi jedimaster sith kenobi obiwan anakin
chewbacca hansolo mandalorian r2d2 c3po enterprise spock picard kirk klingon trekkie voyager ncc1701 ncc1701d
matrix neo trinity morpheus gandalf frodo bilbo aragorn legolas gimli saruman sauron mordor hobbit shire lotr
harrypotter hermione voldemort dumbledore hogwarts gryffindor slytherin snape quidditch muggle pokemon
pikachu charizard bulbasaur squirtle mewtwo eevee charmander naruto sasuke sakura kakashi itachi uchiha goku
vegeta gohan trunks sailormoon onepiece luffy zoro bleach ichigo inuyasha deathnote minecraft creeper
fortnite roblox callofduty warcraft worldofwarcraft starcraft diablo overwatch leagueoflegends counterstrike
halflife gordonfreeman doom quake halo masterchief zelda link ganondorf mario supermario luigi nintendo
playstation xbox sega sonic metroid pacman tetris finalfantasy sephiroth cloudstrife tidus kingdomhearts
metalgear solidsnake residentevil skyrim fallout morrowind oblivion assassin assassins assassinscreed
garfield snoopy charliebrown scoobydoo scooby simpsons homer bart bartsimpson homersimpson familyguy
southpark cartman kenny futurama bender spongebob patrick tweety tweetybird sylvester bugsbunny daffyduck
mickey mickeymouse minnie minniemouse donaldduck goofy pluto disney disneyland tinkerbell tinkerbel
cinderella snowwhite ariel simba nala bambi dumbo nemo findingnemo shrek barbie hellokitty kitty kittycat
kittykat pussycat meow
`;

/** Words that are chosen for themselves. */
const WORDS = `
angel angels angelina angelic angelito angeleyes babyangel devil devils diablos demon demons lucifer satan
hell heaven heavenly god godisgood godislove godbless jesus jesuschrist jesuslovesme jesusislord jesuslives
christ christian christmas easter halloween holiday holidays vacation summer summertime winter winters spring
autumn fall sunny sunday monday tuesday wednesday thursday friday saturday january february march april may
june july august september october november december today tomorrow yesterday tonight midnight morning
evening night nights nighthawk daylight sunset sunrise sunlight sunflower sun star stars starlight stardust
starfish superstar rockstar popstar moon moonbeam sky skyline skyhigh skywalk cloud clouds rain rainbow
rainbows rainyday raindrop storm stormy thunder thunderbolt thunderbird lightning tornado hurricane blizzard
snow snowball snowman snowflake snowwolf ice iceman icecream icecold fire fireball firefly firefox firebird
fireman firefighter firestorm flame flames phoenix water waterfall river rivers ocean oceans pacific atlantic
beach beaches island islands mountain mountains forest desert earth nature flower flowers rose roses lily
lilies daisy violet tulip orchid lotus jasmine blossom garden tree trees butterfly butterflies dragonfly
ladybug spider spiders scorpion scorpio snake cobra viper python lizard turtle turtles frog froggy frogger
toad penguin penguins dolphin dolphins shark sharks whale whales fish goldfish catfish octopus lobster eagle
eagles falcon falcons hawk hawks raven ravens crow owl parrot peacock flamingo duck ducks ducky duckling
chicken chickens rooster turkey horse horses pony ponies mustang mustangs stallion unicorn unicorns pegasus
cow cowboy cowboys cowgirl bull bulls bulldog bulldogs buffalo pig piggy sheep goat rabbit rabbits bunny
bunnies hamster mouse rat rats squirrel raccoon fox foxy foxes wolf wolves wolfpack wolfman lonewolf bear
bears teddybear teddy polarbear grizzly panda pandas tiger tigers tigger tigre lion lions lionking lioness
leopard panther panthers cheetah jaguar jaguars cougar cougars cat cats catdog catlover dog dogs doggy doggie
doglover puppy puppies puppylove hotdog bigdog maddog topdog underdog beagle boxer poodle rottweiler husky
labrador shepherd chihuahua elephant elephants giraffe zebra gorilla kangaroo koala camel hippo rhino
dinosaur trex raptor raptors alien aliens monster monsters vampire vampires werewolf zombie zombies ghost
ghosts ghostrider spirit spirits soul magic magical magician wizard wizards witch witches warlock merlin
excalibur camelot castle knight knights warrior warriors soldier army navy marine marines airforce usmc
semperfi military sniper gunner gunners bullet rifle pistol hammer sword swords samurai ninja ninjas shogun
karate kungfu judo pirate pirates viking vikings gladiator spartan spartans spartacus trojan trojans titan
titans hercules apollo zeus athena poseidon hades ares odin thor loki freedom liberty justice peace peaceful
peaceout harmony hope hopeful faith faithful grace blessed blessing blessings miracle miracles wisdom truth
honesty honor glory victory success successful lucky luckyme luckydog luckycharm fortune destiny karma chance
forever always never neverland nevermind nevergiveup infinity eternity eternal everlast everything nothing
something somebody nobody anything anyone someone everyone happy happyday happydays happiness happyface
happyfeet smile smiles smiley smiling laugh laughing joy joyful sad sadness lonely alone crazy crazyboy
crazygirl crazycat crazyme insane psycho maniac madness mad angry evil cool coolboy coolgirl cooldude coolcat
coolguy coolio awesome amazing fantastic wonderful beautiful beauty pretty prettygirl prettyboy cute cutie
cutiepie cuteme cutegirl cuteboy sexy sexyboy sexygirl sexybitch sexyme sexymama sexybeast hottie hotstuff
hotgirl hotboy hot hotrod honey honeybee honeybunny honeybear sugar sugarbaby sweet sweets sweetie sweetpea
sweety sweetheart sweetness sweetgirl sweetlove sweetdreams candy candyman candies chocolate chocolates
cookie cookies cookiemonster cupcake cupcakes brownie cheese cheesecake cheeseburger pizza pizzas burger
hamburger hotsauce taco tacos burrito nachos bacon banana bananas apple apples applepie orange oranges lemon
lemons lime cherry cherries strawberry strawberries blueberry raspberry blackberry peach peaches peanut
peanuts butter peanutbutter coconut mango melon watermelon grapes pineapple pumpkin potato tomato onion
garlic pepper peppers drpepper ginger cinnamon vanilla caramel coffee espresso latte mocha tea milk milkshake
beer beerbeer budlight budweiser heineken guinness corona whiskey vodka tequila wine rum jackdaniels pepsi
pepsicola cocacola coke sprite mountaindew gatorade redbull snickers twinkie skittles oreo starbucks
mcdonalds subway baby babygirl babyboy babyface babyblue babyphat babydoll babybaby babyjane babycakes
babylon bebe babe babes mommy mom momdad mamapapa mama mamma mother mothers daddy dad daddys daddysgirl papa
father fathers family familia myfamily sister sisters brother brothers bro bros girl girls girly girlie
girlfriend boy boys boyfriend boyboy gangster gangsta thug thuglife playa pimp pimpin pimpdaddy friend
friends friendship bestfriend bestfriends bff buddy buddyboy buddies pal dude dudes man woman women men lady
ladies lord boss bossman bigboss bigboy bigman bigdaddy bigmac bigfoot bigred bigben chief captain colonel
general sergeant major pilot doctor nurse teacher student students lawyer driver trucker engineer police
policeman cop cops fbi cia nsa agent bond007 jamesbond 007bond 007007 secretagent mission impossible red blue
green yellow purple pink black white brown gray grey silver gold golden goldie redhead redred redrose redsox
redwings reddog redskins bluebird bluesky blueeyes bluemoon bluedog bluedragon blueblue greenday greenbay
greengreen purplehaze purplerain pinkfloyd pinky pinkpink blackcat blackjack blackbird blackhawk blackrose
blackdog blackmagic blackwhite blackstar blacksheep blackknight blackout blackie blackhole whitebear
whitetiger whitedog whiteboy silverado silverfox silversurfer goldeneye goldstar goldengirl music musica
musical musicman musiclover guitar guitars guitarist guitarhero piano violin drums drummer bass bassman
trumpet saxophone singer singing dance dancer dancing danceclub rock rocknroll rocker rocky rocks rockon
rockyou metal heavymetal metallica megadeth slayer ironmaiden slipknot nirvana cobain kurtcobain pearljam
soundgarden radiohead coldplay beatles thebeatles johnlennon lennon mccartney ringo rollingstones mickjagger
ledzeppelin zeppelin deeppurple blacksabbath ozzy ozzyosbourne acdc acdcacdc gunsnroses aerosmith bonjovi
queenqueen freddiemercury vanhalen defleppard scorpions europe genesis marillion rush2112 thedoors doors
morrison hendrix jimihendrix eminem slimshady tupac 2pac biggie snoopdogg drdre jayz kanye rihanna beyonce
madonna michaeljackson elvis elvispresley presley sinatra britney britneyspears shakira justinbieber bieber
onedirection taylorswift ladygaga katyperry selenagomez mileycyrus hannahmontana jonasbrothers nickjonas
backstreet backstreetboys nsync spicegirls bobmarley marley reggae rasta rastaman jamaica hiphop rap rapper
techno trance house deejay linkinpark blink182 sum41 mychemicalromance paramore evanescence systemofadown
rammstein tool korn limpbizkit marilynmanson depechemode thecure oasis placebo muse bts btsarmy exo blackpink
kpop lost found dream dreams dreamer dreaming heart hearts heartless heartbreak brokenheart blackheart kiss
kisses kissme kissmyass hug hugs hugsandkisses xoxo life lives lifetime mylife live living lifeisgood
lifegoesono bestlife death dead deadman die dying blood bloody bones skull skulls dark darkness darkside
darkstar darkangel light lights power powers powerful powerman energy electric force strong stronger strength
dynamite atomic nuclear rebel rebels rebellion outlaw outlaws bandits gangsters mafia criminal prison
prisoner escape legend legends legendary hero heroes zero2hero savage beast beasts beastmode brave bravery
courage fearless fearnone nofear noregrets nolimits nolimit unlimited perfect perfection special unique
original real realman realtalk simple simply easy hard hardcore hardwork hardrock extreme xtreme fast faster
furious fastandfurious drift slow slowpoke big bigger biggest little small tiny tall short long longhair
blonde blondie brunette curly fat fatboy fatty skinny slim chubby old oldman oldschool young youngblood
younggun youngmoney fresh freshman sophomore junior senior seniors class classof graduate
graduation
`;

/** Places, teams, makes, machines, and the words of the trade. */
const THINGS = `
america american usa unitedstates canada canadian mexico mexican brazil brasil argentina colombia chile peru
venezuela cuba england english britain british london londres ireland irish scotland scottish wales france
french paris germany german deutschland berlin hamburg munich spain spanish espana madrid barcelona italy
italia italian roma rome milano milan napoli portugal lisboa lisbon benfica sporting porto holland amsterdam
nederland belgium sweden norway denmark finland poland polska russia moscow ukraine kiev istanbul greece
athens israel egypt cairo africa southafrica nigeria kenya india mumbai delhi pakistan bangladesh china
beijing shanghai hongkong taiwan japan tokyo osaka kyoto korea seoul thailand vietnam philippines manila
indonesia jakarta malaysia singapore australia sydney melbourne newzealand hawaii aloha alaska california
losangeles hollywood sanfrancisco sandiego oakland sacramento vegas lasvegas texas dallas houston austin
sanantonio florida miami orlando tampa newyork newyorkcity nyc brooklyn manhattan bronx boston chicago
detroit michigan philadelphia philly pittsburgh cleveland ohio cincinnati indiana atlanta georgia carolina
virginia washington seattle portland denver colorado arizona nevada utah montana dakota minnesota wisconsin
iowa kansas missouri stlouis tennessee nashville memphis kentucky alabama mississippi louisiana neworleans
arkansas oklahoma yankees yankee mets dodgers giants cubs whitesox cardinals braves astros rangers athletics
mariners lakers celtics knicks chicagobulls michaeljordan jordan airjordan kobe kobebryant lebron lebronjames
shaq iverson spurs rockets pistons pacers magicjohnson suns heat miamiheat nuggets dallascowboys packers
greenbaypackers steelers patriots newengland 49ers niners raiders raider raidernation chargers broncos chiefs
seahawks saints jets bills browns bengals colts redskin redwing bruins flyers canucks mapleleafs canadiens
gretzky lemieux crosby manutd manchester manchesterunited manunited manutdfc mancity manchestercity liverpool
liverpoolfc ynwa youllneverwalkalone gerrard chelsea chelseafc arsenal arsenalfc tottenham everton newcastle
westham astonvilla leeds leedsunited celtic glasgow rangersfc realmadrid ronaldo cristiano cristianoronaldo
cr7 messi lionelmessi neymar beckham davidbeckham rooney zidane maradona pele ronaldinho fcbarcelona barca
forcabarca juventus juve inter intermilan acmilan milanista asroma forzaroma lazio bayern bayernmunich
borussia dortmund schalke werder ajax feyenoord psv galatasaray fenerbahce besiktas flamengo corinthians
palmeiras saopaulo santos gremio bocajuniors riverplate chivas pumas cruzazul ferrari lamborghini porsche
bugatti maserati bmw mercedes mercedesbenz audi volkswagen toyota honda nissan mazda subaru mitsubishi lexus
acura hyundai kia ford fordf150 fordmustang chevy chevrolet camaro corvette dodge dodgeram charger challenger
jeep wrangler cadillac buick pontiac harley harleydavidson davidson yamaha kawasaki suzuki ducati hayabusa
volvo saab fiat peugeot renault citroen skoda opel landrover rangerover mini minicooper cooper beetle racing
racer racecar nascar formula1 schumacher earnhardt speed speedy speedracer turbo nitro diesel truck trucks
car cars train trains airplane helicopter titanic rocket spaceship spaceman space galaxy universe cosmos
planet mars venus jupiter saturn mercury neptune uranus orion nasa astronaut computer computers laptop
desktop keyboard monitor printer internet network networks server servers windows windowsxp linux ubuntu
debian redhat1 android iphone ipad ipod macintosh macbook google googlecom gmail yahoo hotmail outlook
facebook twitter instagram youtube myspace tumblr snapchat whatsapp telegram tiktok netflix spotify amazon
ebay paypal microsoft samsung motorola nokia sony siemens philips panasonic toshiba dell lenovo asus intel
pentium nvidia cisco oracle ibm sap mysql postgres postgresql mongodb redis database databases webmaster
webadmin website hosting backup backups security secure firewall router wireless wifi bluetooth hacker
hackers hacking hackme hacked anonymous leet elite cyber cyberpunk robot robots machine terminator robocop
java javascript developer developers programmer coder coding code software hardware qwertykeyboard test tests
tester testing testtest testme testuser demo demodemo sample example examples temp temporary temppass tmp
dummy foobar foobarbaz foo bar baz blah blahblah blahblahblah asdfasdf asdfjkl jkl; aoeu lorem loremipsum
ipsum xyz xyzzy plugh zzz zzzzzz xxx xxxx xxxxxx yyyyyy qqq qqqqqq www wwwwww money moneys moneyman
moneymoney mymoney dollar dollars cash cashmoney rich richman million millionaire billionaire bank banker
banking bitcoin bitcoins ethereum crypto dogecoin trading trader stocks business marketing sales office
company corporate finance account accounts accounting payroll support helpdesk service services customer
training school highschool college university campus library science chemistry physics biology math
mathematics history einstein newton darwin shakespeare hamlet romeo juliet romeoandjuliet macbeth sherlock
sherlockholmes dracula frankenstein diamond diamonds ruby emerald sapphire crystal crystals pearl amber jade
opal topaz onyx platinum copper iron steel stone stones rocksolid granite marble control alt delete enter
return shift home homework houses building tower window door key keys keykey lock unlock open closed close
stop start going gogo gogogo run runaway jump jumper jumping fly flying flyer flight travel traveler
traveling adventure explorer journey road roadrunner highway street streets city cities town village country
world worlds worldwide worldcup global planetearth one two three four five six seven eight nine ten eleven
twelve thirteen hundred thousand zero onetwothree onetwothreefour first second third last final finally alpha
beta gamma delta omega sigma epsilon alphabet alphaomega bravo charlie echo foxtrot tango zulu hello
hellohello helloworld hellothere hellome hihi hihihi hey heythere hola bonjour salut ciao ciaociao hallo
hallohallo goodbye byebye bye goodmorning goodnight goodluck goodday good goodgirl goodboy goodness bad
badboy badgirl badass badboys badman thankyou thanks please pleaseletmein sorry excuse yes yesyes yesno nono
nonono maybe okay okok help helpme helpmeplease fuck fucker fuckers fuckyou fuckoff fuckme fuckthis fuckit
fuckfuck fuckyouall fuckthat fucku fucklove motherfucker shit shithead shitty bullshit bitch bitches bitchass
asshole assholes dick dickhead pussy cunt cock bastard damn dammit crap sex sexsex sexsexsex porn porno
pornstar boobs boobies tits bigtits nipple blowjob cumshot horny naked nude penis vagina whore slut stupid
idiot moron dumbass dumb latchkey keychain token tokens session sessions oauth bearer authorization
authenticate authentication auth credential credentials production staging development localhost kubernetes
docker jenkins gitlab github gitlabci vagrant ansible terraform elastic elasticsearch kibana grafana
prometheus rabbitmq kafka hadoop tomcat tomcats jboss weblogic websphere apache nginx wordpress joomla drupal
magento phpmyadmin mysqladmin sqlserver mssql postgresadmin dbadmin dbpassword ftp ftpuser ssh telnet vpn
vpnuser remote remoteaccess raspberrypi arduino openwrt dlink netgear linksys tplink ubnt ubiquiti huawei zte
hikvision dahua camera cameras webcam scanner copier voicemail reception frontdesk kiosk
`;

/** Given names and family names, and the names of pets. */
const NAMES = `
aaron abby abdul abdullah abel abigail abraham ada adam adams adele adrian adriana adrienne agnes ahmed aidan
aileen aisha alan alana albert alberto alejandra alejandro alessandra alessandro alessia alex alexa alexander
alexandra alexandre alexandria alexis alfonso alfred alfredo ali alice alicia alisha alison allen allison
alyssa amanda amandine amelia amelie amina amir amit amy ana anastasia anderson andre andrea andreas andreea
andrei andres andrew andrey andy angela angelica angelique angelo angie anil anita ankit ann anna annabelle
anne annette annie anthony antoine anton antonia antonio archie ariana arianna arif armando arnold arthur
arturo asha ashley ashleigh ashton astrid aubrey audrey augustin aurelie aurora ava avery ayesha barbara
barney barry beatrice beatriz becky belinda bella ben benjamin benny bernard bernardo bernie bertha beth
bethany betty beverly bianca bill billy billie billybob blake blanca bob bobby bonnie brad bradley brandon
brandi brandy brayden brenda brendan brent brian brianna bridget brittany brooke bruce bruno bryan bryce
caitlin caleb callum calvin cameron camila camilla camille candace carina carl carla carlos carmen carol
caroline carolyn carrie carson carter casey cassandra cassie catalina catherine cathy cecilia cedric celeste
celine cesar chad chandra chantal charlene charles charlotte chase cheryl chester chiara chloe chris chrissy
christa christel christelle christina christine christoph christophe christopher christy cindy claire clara
clarence clark claude claudia claudio clayton clement cody colin colleen connie connor conor constance corey
corinne courtney craig cristian cristina curtis cynthia damian damien dan dana daniel daniela daniele
daniella danielle danny dante daphne darren darryl dave david davide davis dawn dean deanna debbie deborah
declan deepak delphine denis denise dennis derek derrick desiree devin devon diana diane diego dieter dimitri
dinesh dino dirk dmitry dolores dominic dominik dominique don donald donna dora doris dorothy doug douglas
drew duncan dustin dwayne dylan earl eddie edgar eduardo edward edwin eileen elaine elena eleanor eli elias
elijah elisa elisabeth elise elizabeth ella ellen ellie elliot elsa emanuel emily emilia emilie emilio emma
emmanuel emre enrique eric erica erick erik erika erin ernest ernesto esmeralda esteban estelle esther ethan
eugene eva evan evelyn fabian fabien fabio fabrice fatima felicia felipe felix fernanda fernando fiona flora
florence florian frances francesca francesco francis francisca francisco franck francois frank frankie
franklin franz fred freddie freddy frederic frederick friedrich fritz gabriel gabriela gabriele gabriella
gabrielle gail garcia gareth gary gavin gemma gene genevieve geoffrey george georges georgina gerald gerard
gerardo gianluca gilbert gilles gina giorgio giovanna giovanni giulia giuseppe gladys glen glenn gloria
gordon gracie graham grant greg gregory greta guillaume guillermo gustavo guy hailey hannah hannes hans
harold harriet harris harrison harry harvey hassan hayley hazel heather hector heidi heinz helen helena
helene helmut henri henrik henry herbert herman hernandez hilary holly howard hubert hugh hugo hussein ian
ibrahim ignacio igor imran ines ingrid irene irina iris irma isaac isabel isabella isabelle isaiah ismael
ivan ivana jack jackie jackson jacob jacqueline jacques jaime jake james jamie jan jana jane janet janice
janine jared jasmin jason jasper javier jay jayden jayne jean jeanette jeanne jeff jeffrey jenna jennifer
jenny jeremiah jeremy jermaine jerome jerry jesse jessica jessie jill jim jimmy jimena joan joana joanna
joanne joao jocelyn joe joel joey johan johanna johannes john johnathan johnny johnson johndoe janedoe
johnsmith jonas jonathan jones jorge jose josef joseph josephine josh joshua josue joyce juan juana juanita
judith judy jules julia julian juliana julianne julie julien julio julius justin justine kai kaitlyn kamal
kara karen karin karina karl karla kate katelyn katharina katherine kathleen kathryn kathy katie katrin
katrina kay kayla keith kelly kelsey ken kendall kenneth kerry kevin khaled khalid kim kimberly kirsten klaus
kris krista kristen kristian kristin kristina kristy kumar kurt kyle kylie lance lara larissa larry lars
laura lauren laurence laurent laurie lawrence lea leah lee leila lena leo leon leonard leonardo leslie
leticia lewis liam lillian lina linda lindsay lindsey lisa liza lloyd logan lola lopez lorenzo loretta lori
lorraine louis louisa louise luca lucas lucia luciana lucie lucille lucy luis luisa lukas luke lydia lynn
mackenzie maddie madeleine madeline madison magdalena maggie mahmoud malcolm malik mandy manuel manuela marc
marcel marcela marcelo marcia marco marcos marcus margaret margarita maria mariah mariana marianne marie
mariam marina marion marisol marissa marius marjorie mark markus marlene marlon marta martha martin martina
martine martinez marvin mary maryam maryjane maryann mason massimo mateo mathieu mathilde matilda matt matteo
matthew matthias matthieu maureen maurice mauricio max maxime maximilian maximus maxine maxwell maya megan
mehmet melanie melinda melissa melody meredith mia michael michaela michel michele michelle miguel
miguelangel mike mikhail mila miller milena minh miranda miriam mitchell mohamed mohammad mohammed moises
molly mona monica monika monique morgan moses muhammad murphy murray mustafa myriam nadia nadine nancy naomi
natalia natalie natasha nathalie nathan nathaniel neil nelson nicholas nick nicola nicolas nicole nigel
nikita nikki nikolai nina noah noel noemi nora norbert norma norman nuno octavia oleg olga oliver olivia
olivier omar oscar osman otto owen pablo paige pamela paola paolo parker pascal pat patricia patricio patrik
paul paula paulina pauline paulo pavel pedro peggy penelope penny perez perry peter petra philip philippe
phillip phoebe pierre pilar preston priscilla priya quentin quincy rachel rafael rahul raj rajesh ralph ramon
ramona randall randy raphael raquel raul ravi ray raymond rebecca reggie regina reinhard remy rene renata
renee rex rhonda ricardo riccardo richard rick ricky riley rita rob robbie robert roberta roberto robin
robinson rocio rodney rodolfo rodrigo rodriguez roger roland rolf roman romain ron ronald ronnie rory rosa
rosalie rosario rosemary rosie ross roxana roxanne roy ruben rudolf rudy rupert russell ruth ryan sabine
sabrina sally salma salvador salvatore sam samantha samir samira samson samuel sanchez sandeep sandra
sandrine sandy sanjay santiago sara sarah sasha saskia saul savannah scarlett scott sean sebastian sebastien
selena selina serena serge sergei sergio seth shane shannon shari sharon shaun shawn sheila shelby shelley
sherry shirley shiva sidney sierra silke silvia simon simona simone singh sofia sofie sonia sonja sophia
sophie spencer stacey stacy stan stanley stefan stefanie stella stephan stephane stephanie stephen steve
steven stewart stuart sue sunil suresh susan susana susanne suzanne svetlana sven sylvain sylvia sylvie
tamara tammy tania tanya tara tatiana tatyana taylor ted teresa terry tessa thais theo theodore theresa
therese thiago thierry thomas thompson tiffany tim timothy tina tobias toby todd tom tomas tommy toni tony
tracey traci tracy travis trevor tristan troy tyler ulrich ulrike ursula valentin valentina valeria valerie
vanessa vera verena veronica veronika vicki vicky victor victoria vijay vincent vincenzo viola violeta
virginie viktor vivian vladimir wade walker wallace walter wanda warren wayne wendy werner wesley wilfried
wilhelm will william williams willie willy wilson winston wolfgang xavier ximena yannick yasmin yasmine
yolanda yusuf yvette yvonne zachary zack zahra zoe buster bailey maxi1 bandit duke dukey rufus rusty rover
fido spike spot sparky sparkle sparkles precious pookie pooky poopoo poohbear pooh winnie winniethepooh
piglet eeyore whiskers mittens socks smokey smoky patches misty missy muffin munchkin snuggles cuddles
bubbles bubba bubblegum boomer chico coco cocoa dexter fluffy gizmo gypsy kiki lulu milo mimi mimosa otis
pebbles roxy sadie sammy scout tank tasha thumper tinker trixie tucker ziggy zorro
`;

/** The entries of the blocklist, in lower case, none shorter than three characters. */
export const COMMON_PASSWORDS: ReadonlySet<string> = new Set(
  [CLASSICS, WORDS, THINGS, NAMES, COMMON_PHRASES].flatMap((block) => block.trim().split(/\s+/)),
);

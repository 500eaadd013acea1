"""Writes books.db and public/covers/ from the lists below; run it after changing them. The shop never runs it."""

import random
import re
import sqlite3
import unicodedata
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from make_covers import PALETTES, draw_cover

HERE = Path(__file__).parent


class Author(NamedTuple):
    name: str
    born: int
    died: int
    bio: str


class Tag(NamedTuple):
    slug: str
    name: str
    about: str


class Book(NamedTuple):
    title: str
    author: str
    year: int
    pages: int
    price: int  # in pence
    tags: str
    cover: str  # palette, motif and layout, all from make_covers.py
    blurb: str


SCHEMA = """
CREATE TABLE authors (
    slug TEXT PRIMARY KEY, name TEXT NOT NULL, sort_name TEXT NOT NULL, born INTEGER NOT NULL, died INTEGER NOT NULL,
    bio TEXT NOT NULL
);
CREATE TABLE tags (slug TEXT PRIMARY KEY, name TEXT NOT NULL, about TEXT NOT NULL);
CREATE TABLE books (
    slug TEXT PRIMARY KEY, title TEXT NOT NULL, sort_title TEXT NOT NULL,
    author TEXT NOT NULL REFERENCES authors (slug), year INTEGER NOT NULL, pages INTEGER NOT NULL,
    price INTEGER NOT NULL, stock INTEGER NOT NULL, added TEXT NOT NULL, featured INTEGER, colour TEXT NOT NULL,
    blurb TEXT NOT NULL
);
CREATE TABLE book_tags (
    book TEXT NOT NULL REFERENCES books (slug), tag TEXT NOT NULL REFERENCES tags (slug), PRIMARY KEY (book, tag)
) WITHOUT ROWID;
CREATE INDEX book_tags_by_tag ON book_tags (tag);
"""

# Authors are sorted by their last word, except these.
SORT_NAMES = {"Marcus Aurelius": "marcus", "Natsume Sōseki": "natsume", "Sheridan Le Fanu": "le fanu"}

# The front table, in the order in which the books lie on it.
FEATURED = [
    "moby-dick",
    "alices-adventures-in-wonderland",
    "jane-eyre",
    "twenty-thousand-leagues-under-the-seas",
    "the-picture-of-dorian-gray",
    "the-trial",
    "frankenstein",
    "candide",
    "to-the-lighthouse",
    "anna-karenina",
    "noli-me-tangere",
    "the-hound-of-the-baskervilles",
]

TAGS = [
    Tag("adventure", "Adventure", "Maps, storms, wagers and narrow escapes."),
    Tag("childhood", "For children", "To be read aloud, preferably with voices."),
    Tag("coming-of-age", "Growing up", "The long business of becoming somebody."),
    Tag("detective", "Detective", "Somebody did it, and somebody noticed."),
    Tag("an-evening", "An evening's read", "Short enough to finish before the lamp goes out."),
    Tag("gothic", "Gothic", "Draughty houses and worse."),
    Tag("in-translation", "In translation", "From nine languages, by way of patient translators."),
    Tag("philosophy", "Philosophy", "How to live, at several lengths."),
    Tag("poetry", "Poetry", "Few words, much weather."),
    Tag("romance", "Romance", "Letters, balls, misunderstandings."),
    Tag("satire", "Satire", "The world, slightly tilted so that you can see it."),
    Tag("science-fiction", "Science fiction", "Yesterday's futures, some of them delivered."),
    Tag("the-sea", "The sea", "Salt water, and the people who cannot leave it alone."),
    Tag("society", "Society", "Money, marriage, work and who may sit where."),
    Tag("stage", "For the stage", "Plays that also survive an armchair."),
]

AUTHORS = [
    Author("Jane Austen", 1775, 1817, "A Hampshire clergyman's daughter who turned drawing rooms into the most exact "
           "comedy in English, and whose novels came out without her name on them."),
    Author("Charles Baudelaire", 1821, 1867, "Paris poet, art critic and translator of Poe, taken to court over his "
           "one great book of verse."),
    Author("Anne Brontë", 1820, 1849, "The youngest of the Haworth sisters, who worked as a governess and wrote "
           "what she had seen more bluntly than her age liked."),
    Author("Charlotte Brontë", 1816, 1855, "She grew up in a Yorkshire parsonage inventing kingdoms with her siblings, "
           "and later astonished London under the name Currer Bell."),
    Author("Emily Brontë", 1818, 1848, "Poet of the moors above Haworth who left a single novel, and there has been "
           "no second one like it."),
    Author("Frances Hodgson Burnett", 1849, 1924, "Born in Manchester, raised partly in Tennessee, and for decades one "
           "of the best paid writers on either side of the Atlantic."),
    Author("Karel Čapek", 1890, 1938, "Czech playwright, journalist and devoted gardener who gave the world the word "
           "robot, which he said was his brother's idea."),
    Author("Lewis Carroll", 1832, 1898, "Charles Dodgson by day, an Oxford mathematician with a stammer, a camera and "
           "a cupboard full of puzzles."),
    Author("Miguel de Cervantes", 1547, 1616, "Soldier, captive in Algiers, tax collector and, rather late, the "
           "inventor of the modern novel."),
    Author("Anton Chekhov", 1860, 1904, "A country doctor who wrote some of the quietest and most copied stories and "
           "plays in Russian."),
    Author("Wilkie Collins", 1824, 1889, "A friend of Dickens who found out how long a reader can be kept waiting, and "
           "for what."),
    Author("Carlo Collodi", 1826, 1890, "Florentine journalist who took the name of his mother's village and only "
           "meant to write a short serial about a puppet."),
    Author("Charles Dickens", 1812, 1870, "Put to work in a blacking factory at twelve, he never forgot it, nor let "
           "his readers forget it either."),
    Author("Emily Dickinson", 1830, 1886, "She wrote nearly eighteen hundred poems in an upstairs room in Amherst and "
           "saw about ten of them in print."),
    Author("Fyodor Dostoevsky", 1821, 1881, "Reprieved in front of a firing squad, he spent four years in a Siberian "
           "prison and the rest of his life on the questions it raised."),
    Author("Arthur Conan Doyle", 1859, 1930, "An Edinburgh doctor short of patients who created the most consulted "
           "detective in the world, and could not get rid of him."),
    Author("Alexandre Dumas", 1802, 1870, "A general's son who wrote by the yard, spent by the mile and was almost "
           "never dull."),
    Author("George Eliot", 1819, 1880, "Mary Ann Evans edited a London review, translated Spinoza and then wrote "
           "novels that take everybody's side in turn."),
    Author("Gustave Flaubert", 1821, 1880, "He read every sentence aloud in his study near Rouen and could spend a "
           "week on a page."),
    Author("Nikolai Gogol", 1809, 1852, "Born among Ukrainian storytellers, he made the clerks of Petersburg absurd, "
           "haunted and immortal."),
    Author("Kenneth Grahame", 1859, 1932, "Secretary of the Bank of England who told his small son bedtime stories "
           "about a mole and a reckless toad."),
    Author("Thomas Hardy", 1840, 1928, "Trained as an architect, he built a half-real county called Wessex and then "
           "left novels altogether for verse."),
    Author("Victor Hugo", 1802, 1885, "Poet, politician and exile who wrote standing up, looking out to sea from the "
           "top of a house in Guernsey."),
    Author("Jerome K. Jerome", 1859, 1927, "He left school at fourteen for the railways, tried the stage, and became "
           "famous by writing down a holiday."),
    Author("Franz Kafka", 1883, 1924, "An insurance lawyer in Prague who wrote at night and asked for his papers to be "
           "burned; happily his friend refused."),
    Author("Selma Lagerlöf", 1858, 1940, "A schoolteacher from Värmland and, in 1909, the first woman to receive the "
           "Nobel Prize in Literature."),
    Author("Sheridan Le Fanu", 1814, 1873, "Dublin newspaperman who wrote his ghost stories in bed, by candle, in the "
           "small hours."),
    Author("Gaston Leroux", 1868, 1927, "A reporter who covered trials and revolutions before turning to locked rooms "
           "and opera cellars."),
    Author("Marcus Aurelius", 121, 180, "Emperor of Rome for nineteen years, who kept a notebook on how not to be "
           "spoiled by it."),
    Author("Herman Melville", 1819, 1891, "He shipped on a whaler at twenty-one, wrote his masterpiece at thirty-two "
           "and ended as a forgotten customs inspector."),
    Author("Natsume Sōseki", 1867, 1916, "A scholar of English who had a miserable time in London and went home to "
           "become the great novelist of modern Japan."),
    Author("Friedrich Nietzsche", 1844, 1900, "A professor of Greek at twenty-four, then a wanderer between boarding "
           "houses who philosophised, as he said, with a hammer."),
    Author("Edgar Allan Poe", 1809, 1849, "Boston-born poet and critic who founded the detective story in passing, on "
           "his way to something darker."),
    Author("José Rizal", 1861, 1896, "Eye doctor, linguist and novelist whose books helped to begin the Philippine "
           "revolution, and for which he was shot at thirty-five."),
    Author("Mary Shelley", 1797, 1851, "The daughter of two philosophers, she began her most famous book at eighteen "
           "in a wet summer by Lake Geneva."),
    Author("Robert Louis Stevenson", 1850, 1894, "A Scottish engineer's son with bad lungs and restless feet who is "
           "buried on a mountain in Samoa."),
    Author("Bram Stoker", 1847, 1912, "He managed a London theatre by day and spent seven years collecting notes on "
           "Transylvania, where he never went."),
    Author("Jonathan Swift", 1667, 1745, "Dean of St Patrick's in Dublin and the angriest funny man of his century."),
    Author("Henry David Thoreau", 1817, 1862, "Surveyor, pencil maker and walker from Concord who built a cabin in "
           "order to find out what he could do without."),
    Author("Leo Tolstoy", 1828, 1910, "A count who wrote two of the largest novels in the world and then tried to live "
           "like a peasant."),
    Author("Mark Twain", 1835, 1910, "Samuel Clemens piloted steamboats on the Mississippi and took his pen name from "
           "the call for safe water."),
    Author("Jules Verne", 1828, 1905, "A stockbroker from Nantes who travelled everywhere on paper, from the seabed to "
           "the Moon."),
    Author("Voltaire", 1694, 1778, "François-Marie Arouet, twice a guest of the Bastille, who wrote some twenty "
           "thousand letters and feared nothing but boredom."),
    Author("H. G. Wells", 1866, 1946, "A draper's apprentice who studied biology and gave science fiction half of its "
           "furniture in four years."),
    Author("Walt Whitman", 1819, 1892, "Printer, nurse and poet of Brooklyn who set the type of his own first book and "
           "kept rewriting it for life."),
    Author("Oscar Wilde", 1854, 1900, "The Dublin wit who conquered London with four comedies and was broken by it "
           "in a single spring."),
    Author("Virginia Woolf", 1882, 1941, "Novelist, essayist and hand-press printer who found new ways of writing down "
           "a mind in the middle of a day."),
    Author("Émile Zola", 1840, 1902, "He planned twenty novels on one French family, wrote all of them, and then "
           "risked everything for Captain Dreyfus."),
]  # fmt: skip

BOOKS = [
    Book("Pride and Prejudice", "Jane Austen", 1813, 366, 899, "romance satire society", "rose leaves frame",
         "Elizabeth Bennet decides at a country ball that Mr Darcy is insufferable. It takes a bad proposal, a good "
         "letter and a large house to make both of them think again."),
    Book("Emma", "Jane Austen", 1815, 474, 899, "romance satire society", "sky diamonds label",
         "Handsome, clever, rich and quite sure that she knows whom everyone ought to marry. Highbury lets Emma "
         "Woodhouse be wrong about nearly all of them, herself included."),
    Book("Persuasion", "Jane Austen", 1817, 254, 799, "romance society the-sea", "sea hills below",
         "Eight years ago Anne Elliot was talked out of marrying a sailor with no money. Now he is back from the war "
         "with plenty, and she has not changed her mind at all."),
    Book("Northanger Abbey", "Jane Austen", 1817, 236, 799, "gothic satire coming-of-age", "moss arches above",
         "Catherine Morland has read too many horrid novels and is at last invited to a real abbey. What she finds in "
         "the old chest is a lesson, and a funny one."),
    Book("The Flowers of Evil", "Charles Baudelaire", 1857, 398, 1150, "poetry in-translation", "plum leaves frame",
         "Cats, clouds, perfume, boredom and the streets of Paris at a bad hour. The poems that made the modern city "
         "a subject, and cost their author a fine."),
    Book("The Tenant of Wildfell Hall", "Anne Brontë", 1848, 512, 950, "gothic society romance", "moss window frame",
         "A widow with a small son and no visible past rents a half-ruined house. Her diary, when we are given it, "
         "is one of the bravest things in Victorian fiction."),
    Book("Jane Eyre", "Charlotte Brontë", 1847, 552, 950, "gothic romance coming-of-age", "brick arches above",
         "Small, plain, poor and not to be pushed about, Jane arrives at Thornfield to teach one child. Somebody is "
         "laughing on the third floor."),
    Book("Wuthering Heights", "Emily Brontë", 1847, 378, 899, "gothic romance", "ink moon below",
         "Two houses on a Yorkshire moor, two generations, and a love that behaves much more like the weather. Not a "
         "comfort, but impossible to put down."),
    Book("The Secret Garden", "Frances Hodgson Burnett", 1911, 298, 750, "childhood coming-of-age", "moss leaves frame",
         "Sour little Mary Lennox is sent to a house with a hundred shut rooms and one locked garden. A robin shows "
         "her the key, and everything starts to grow, she included."),
    Book("R.U.R.", "Karel Čapek", 1920, 112, 699, "science-fiction stage an-evening in-translation satire",
         "saffron gears above",
         "A factory on an island makes perfect workers who want nothing. Then one of its visitors asks whether they "
         "might. The play in which robots got their name."),
    Book("Alice's Adventures in Wonderland", "Lewis Carroll", 1865, 176, 750, "childhood satire an-evening adventure",
         "sky checks below",
         "Down a hole after a rabbit who is late, into a country where the logic is perfect and nothing else is. "
         "Bring your own watch."),
    Book("Don Quixote", "Miguel de Cervantes", 1605, 1056, 1495, "adventure satire in-translation", "sand sun above",
         "A thin gentleman who has read too much sets out to put the world right, followed by a stout neighbour who "
         "was promised an island. Four hundred years on, they are still on the road."),
    Book("The Cherry Orchard", "Anton Chekhov", 1904, 96, 650, "stage society an-evening in-translation",
         "rose birds below",
         "The estate is to be auctioned in August and nobody in the family can keep their mind on it. A comedy, its "
         "author insisted, and you may judge for yourself."),
    Book("The Moonstone", "Wilkie Collins", 1868, 528, 950, "detective society", "plum eye frame",
         "A diamond is given at a birthday dinner and is gone by morning. One witness after another explains what he "
         "or she saw, and each of them is wrong in a different way."),
    Book("The Adventures of Pinocchio", "Carlo Collodi", 1883, 208, 750, "childhood adventure in-translation",
         "brick diamonds below",
         "Sharper and stranger than the version you remember: a piece of wood that talks back, a patient father, a "
         "cricket who does not last long, and a very large fish."),
    Book("A Christmas Carol", "Charles Dickens", 1843, 112, 599, "gothic an-evening childhood society",
         "coal window above",
         "One cold night, four ghosts and the quickest change of heart in English. Best read aloud, in one sitting, "
         "with something hot."),
    Book("Great Expectations", "Charles Dickens", 1861, 544, 950, "coming-of-age society", "sand rain label",
         "Pip helps a convict on the marshes and later comes into money from he does not know whom. In a house where "
         "the clocks have stopped, he makes up his mind too early."),
    Book("Poems", "Emily Dickinson", 1890, 236, 850, "poetry philosophy", "sand birds frame",
         "Bees, eternity, a slant of winter light. The first selection her friends made from a drawer that nobody "
         "had known was full."),
    Book("Crime and Punishment", "Fyodor Dostoevsky", 1866, 656, 1050, "philosophy detective in-translation society",
         "coal stairs above",
         "In a Petersburg heatwave a hungry student tests a theory with an axe. The inspector is courteous, patient "
         "and in no hurry at all."),
    Book("The Brothers Karamazov", "Fyodor Dostoevsky", 1880, 880, 1295, "philosophy detective in-translation",
         "brick rays label",
         "A dreadful father is murdered and each of three sons had a reason, or a thought, to answer for. A trial, a "
         "love story, and an argument with God in between."),
    Book("The Adventures of Sherlock Holmes", "Arthur Conan Doyle", 1892, 320, 850, "detective adventure",
         "saffron eye below",
         "A dozen visitors climb the stairs of Baker Street with a dozen small impossibilities. A goose, a league of "
         "red-headed men, and the one woman who was quicker."),
    Book("The Hound of the Baskervilles", "Arthur Conan Doyle", 1902, 256, 799, "detective gothic", "ink hills above",
         "A family curse, a footprint and a moor that swallows ponies. Holmes sends Watson ahead to Devon, which "
         "Watson ought to have found suspicious."),
    Book("The Count of Monte Cristo", "Alexandre Dumas", 1846, 1276, 1595, "adventure in-translation the-sea",
         "sea bars above",
         "Fourteen years in a dungeon, one old scholar through the wall, one island of treasure. What follows is the "
         "longest, slowest and most satisfying revenge ever printed."),
    Book("The Three Musketeers", "Alexandre Dumas", 1844, 704, 1095, "adventure in-translation romance",
         "plum diamonds above",
         "D'Artagnan leaves home on a yellow horse and, once in Paris, has arranged three duels by lunch. His "
         "opponents become his friends, and the Cardinal has a very busy year."),
    Book("Middlemarch", "George Eliot", 1872, 880, 1195, "society romance philosophy", "moss hills below",
         "A whole provincial town, with its marriages, debts, doctors and hopes, watched by the most generous "
         "intelligence in the English novel."),
    Book("Madame Bovary", "Gustave Flaubert", 1857, 384, 950, "romance society in-translation", "rose window above",
         "A country doctor's wife has read that life is passionate and goes looking for it on credit. Every sentence "
         "is perfect and not one of them is kind."),
    Book("Dead Souls", "Nikolai Gogol", 1842, 432, 950, "satire in-translation society", "coal rails below",
         "A pleasant stranger drives from estate to estate and offers to buy serfs who have died. Nobody can think "
         "why, and hardly anybody says no."),
    Book("The Wind in the Willows", "Kenneth Grahame", 1908, 240, 799, "childhood adventure", "moss waves frame",
         "Mole leaves his spring cleaning for a boat, a picnic and a friend. Mr Toad, meanwhile, has seen a motor "
         "car."),
    Book("Tess of the d'Urbervilles", "Thomas Hardy", 1891, 480, 899, "society romance", "saffron rain above",
         "A carter learns that he has noble ancestors, and his daughter pays for it. Hardy's angriest novel has his "
         "greenest fields."),
    Book("Les Misérables", "Victor Hugo", 1862, 1462, 1695, "society in-translation adventure", "ink rays frame",
         "One stolen loaf, nineteen years, two silver candlesticks. Around them Hugo builds Paris entire, sewers and "
         "barricades and all."),
    Book("Three Men in a Boat", "Jerome K. Jerome", 1889, 224, 750, "satire adventure", "sky waves above",
         "Three friends and a fox terrier row up the Thames for their health. There is a tin of pineapple and no tin "
         "opener."),
    Book("The Metamorphosis", "Franz Kafka", 1915, 96, 650, "in-translation gothic an-evening philosophy",
         "sand bars below",
         "Gregor Samsa wakes up as an enormous insect and worries about missing the train. His family worries about "
         "the rent."),
    Book("The Trial", "Franz Kafka", 1925, 256, 850, "philosophy in-translation satire", "brick stairs below",
         "Josef K. is arrested at breakfast and allowed to go to work. He spends a year looking for the court, and "
         "finds it behind every wrong door."),
    Book("The Wonderful Adventures of Nils", "Selma Lagerlöf", 1906, 432, 950, "childhood adventure in-translation",
         "sky birds above",
         "A lazy boy is shrunk by an elf and carried the length of Sweden on the back of a goose. It was ordered as a "
         "geography reader, and it still is one, gloriously."),
    Book("Carmilla", "Sheridan Le Fanu", 1872, 128, 699, "gothic an-evening", "plum moon above",
         "A carriage overturns by moonlight and leaves a charming, languid guest at a lonely castle. Twenty-five years "
         "older than Dracula, and better mannered."),
    Book("The Phantom of the Opera", "Gaston Leroux", 1910, 304, 850, "gothic romance in-translation detective",
         "coal rays below",
         "Box five is not to be sold, the chandelier is not quite safe and the new soprano has an unusual teacher. "
         "Told like a newspaper report by someone who has been down to the lake."),
    Book("Meditations", "Marcus Aurelius", 180, 192, 799, "philosophy in-translation an-evening", "sea rays label",
         "Notes to himself, made in an army tent by the most powerful man alive. Get up, be just, do not complain, "
         "remember that you are going to die."),
    Book("Moby-Dick", "Herman Melville", 1851, 654, 1095, "adventure the-sea philosophy", "sea waves below",
         "Ishmael goes to sea because it is a damp November in his soul's almanac, and signs on with a captain who "
         "wants one whale. Everything known about whales is also included."),
    Book("I Am a Cat", "Natsume Sōseki", 1905, 480, 1095, "satire in-translation", "saffron moon below",
         "A nameless stray moves in with a schoolteacher and studies his dyspepsia, his friends and the whole of Meiji "
         "Japan. The cat is not impressed."),
    Book("Thus Spoke Zarathustra", "Friedrich Nietzsche", 1883, 352, 950, "philosophy in-translation poetry",
         "saffron rays above",
         "A hermit comes down the mountain with too much honey and nobody to give it to. Sermons, songs and dances "
         "for all readers and for none in particular."),
    Book("The Narrative of Arthur Gordon Pym", "Edgar Allan Poe", 1838, 240, 799, "adventure the-sea gothic",
         "ink waves label",
         "A stowaway's voyage grows steadily worse: mutiny, shipwreck, hunger, and then the warm white sea in the far "
         "south. Poe's only novel stops on its most remarkable page."),
    Book("The Raven and Other Poems", "Edgar Allan Poe", 1845, 144, 699, "poetry gothic an-evening", "coal birds frame",
         "Bells, kingdoms by the sea, and a bird with a vocabulary of one word. Made for candlelight and for saying "
         "aloud."),
    Book("Noli Me Tángere", "José Rizal", 1887, 464, 1095, "society romance in-translation", "sea leaves above",
         "Crisóstomo Ibarra returns from Europe to build a school in his home town, and learns what happened to his "
         "father. Love story, comedy of friars and the founding novel of a nation."),
    Book("Frankenstein", "Mary Shelley", 1818, 288, 799, "gothic science-fiction philosophy", "ink bolts below",
         "A student in Ingolstadt discovers how to make a living being and has not thought about the day after. The "
         "creature reads Milton and asks to be answered."),
    Book("Strange Case of Dr Jekyll and Mr Hyde", "Robert Louis Stevenson", 1886, 96, 599,
         "gothic detective science-fiction an-evening", "coal split above",
         "A respectable doctor leaves everything in his will to a man whom nobody can bear to look at. London fog, "
         "one door, two handwritings."),
    Book("Treasure Island", "Robert Louis Stevenson", 1883, 256, 750, "adventure childhood the-sea coming-of-age",
         "sky sun below",
         "An old seaman pays a boy fourpence a month to watch for a man with one leg. Then there is a map, and the "
         "man turns out to be very good company."),
    Book("Dracula", "Bram Stoker", 1897, 432, 899, "gothic adventure", "coal teeth below",
         "Diaries, telegrams and a phonograph record how a courteous nobleman bought property in London. Garlic is "
         "not included."),
    Book("Gulliver's Travels", "Jonathan Swift", 1726, 336, 850, "satire adventure the-sea", "saffron stairs below",
         "Too large in Lilliput, too small in Brobdingnag, too human among the horses. A travel book that gets less "
         "and less suitable for children as it goes."),
    Book("Walden", "Henry David Thoreau", 1854, 352, 850, "philosophy", "moss moon above",
         "Two years, two months and two days in a small house by a pond, with the accounts to the half cent. Still "
         "the best argument for owning less."),
    Book("Anna Karenina", "Leo Tolstoy", 1878, 864, 1195, "romance society in-translation", "plum rails below",
         "A married woman meets an officer at a railway station, and a shy landowner learns to mow. Two stories laid "
         "side by side until they light each other up."),
    Book("War and Peace", "Leo Tolstoy", 1869, 1296, 1695, "society romance in-translation philosophy",
         "brick sun below",
         "Five families, one invasion and the whole of Russia between a soirée in 1805 and the snow of 1812. Longer "
         "than most books and shorter than it seems."),
    Book("Adventures of Huckleberry Finn", "Mark Twain", 1884, 366, 850, "adventure satire coming-of-age",
         "sand waves above",
         "A boy who has been declared dead and a man who has declared himself free share a raft down the Mississippi. "
         "Huck's conscience tells him one thing, and he decides to be wicked instead."),
    Book("Around the World in Eighty Days", "Jules Verne", 1872, 256, 799, "adventure in-translation",
         "saffron rails above",
         "Phileas Fogg, who has never been late, bets half of his fortune on the timetable of the planet. His valet "
         "left the gas burning."),
    Book("Journey to the Centre of the Earth", "Jules Verne", 1864, 272, 799,
         "science-fiction adventure in-translation", "brick strata below",
         "A professor, his reluctant nephew and an Icelander who says almost nothing climb into a volcano. There is a "
         "sea down there, and it is not empty."),
    Book("Twenty Thousand Leagues Under the Seas", "Jules Verne", 1870, 448, 950,
         "science-fiction adventure the-sea in-translation", "sea orbit below",
         "The monster that has been sinking ships has rivets. Aboard it are a library, an organ and a captain who has "
         "finished with dry land."),
    Book("Candide", "Voltaire", 1759, 144, 699, "satire philosophy adventure an-evening in-translation",
         "rose diamonds above",
         "Taught that all is for the best, a good-natured young man is then shown war, shipwreck, earthquake and "
         "Eldorado. He ends with a garden and an opinion."),
    Book("The Time Machine", "H. G. Wells", 1895, 128, 699, "science-fiction an-evening", "saffron orbit label",
         "A man arrives late and bruised at his own dinner party and says that he has been to the year 802,701. He has "
         "two strange flowers to prove it."),
    Book("The War of the Worlds", "H. G. Wells", 1898, 224, 750, "science-fiction adventure", "brick orbit above",
         "The first cylinder comes down on a common in Surrey and people bring their children to look. Within days "
         "they are walking away from London."),
    Book("Leaves of Grass", "Walt Whitman", 1855, 160, 899, "poetry philosophy", "sky leaves below",
         "Twelve long untitled poems, no rhymes and an author in shirtsleeves on the first page. American verse "
         "begins here, out of doors."),
    Book("The Importance of Being Earnest", "Oscar Wilde", 1895, 96, 599, "stage satire romance an-evening",
         "moss diamonds frame",
         "Two gentlemen find it useful to be called Ernest, and two ladies will accept nothing else. The handbag is "
         "explained in the last act."),
    Book("The Picture of Dorian Gray", "Oscar Wilde", 1890, 272, 799, "gothic philosophy society", "plum eye above",
         "A young man wishes that his portrait would grow old in his place. It is hung in the attic, where it does so "
         "most attentively."),
    Book("Mrs Dalloway", "Virginia Woolf", 1925, 208, 850, "society an-evening", "sky window below",
         "Clarissa goes out for flowers on a June morning and gives a party at night. Between the strokes of Big Ben "
         "you are let into every passing mind."),
    Book("To the Lighthouse", "Virginia Woolf", 1927, 240, 850, "the-sea society philosophy", "sand beam below",
         "A child is promised a boat trip for tomorrow, if it is fine. Ten years pass through an empty house, and "
         "then they go."),
    Book("Germinal", "Émile Zola", 1885, 544, 1050, "society in-translation", "coal strata above",
         "A young man walks over the dark plain looking for work and is sent down the pit. Hunger, a strike and, "
         "beneath it all, something coming up like corn."),
    Book("Thérèse Raquin", "Émile Zola", 1867, 240, 850, "gothic romance in-translation", "moss split below",
         "Behind a haberdasher's shop two lovers plan to be rid of a husband. They succeed, and he moves in with "
         "them."),
]  # fmt: skip


def fold(text: str) -> str:
    """Lower case without accents: Brontë is found, and sorted, as bronte."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()


def slugify(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", fold(text).replace("'", "").replace("r.u.r.", "rur")).strip("-")


def curly(text: str) -> str:
    return text.replace("'", "\N{RIGHT SINGLE QUOTATION MARK}")


def author_row(author: Author) -> tuple[object, ...]:
    sort_name = SORT_NAMES.get(author.name, fold(author.name.split()[-1]))
    sort_name = f"{sort_name}, {fold(author.name)}"
    return slugify(author.name), author.name, sort_name, author.born, author.died, curly(author.bio)


def book_row(book: Book) -> tuple[object, ...]:
    slug = slugify(book.title)
    chance = random.Random(slug)  # seeded by the slug: the same book always gets the same numbers
    stock = chance.randint(1, 14)
    added = date(2025, 1, 6) + timedelta(days=chance.randrange(300))
    featured = FEATURED.index(slug) + 1 if slug in FEATURED else None
    colour = PALETTES[book.cover.split()[0]].ground
    sort_title = re.sub(r"^(a|an|the) ", "", fold(book.title))
    return (slug, curly(book.title), sort_title, slugify(book.author), book.year, book.pages, book.price, stock,
            added.isoformat(), featured, colour, curly(book.blurb))  # fmt: skip


def write_database(path: Path) -> None:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA page_size = 1024")
        database.executescript(SCHEMA)
        database.execute("PRAGMA foreign_keys = ON")
        database.executemany(f"INSERT INTO authors VALUES ({'?,' * 5}?)", map(author_row, AUTHORS))
        tags = [(tag.slug, curly(tag.name), curly(tag.about)) for tag in TAGS]
        database.executemany("INSERT INTO tags VALUES (?, ?, ?)", tags)
        database.executemany(f"INSERT INTO books VALUES ({'?,' * 11}?)", map(book_row, BOOKS))
        pairs = [(slugify(book.title), tag) for book in BOOKS for tag in book.tags.split()]
        database.executemany("INSERT INTO book_tags VALUES (?, ?)", pairs)
        database.commit()
        database.execute("VACUUM")


def write_covers(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for book in BOOKS:
        slug = slugify(book.title)
        palette, motif, layout = book.cover.split()
        svg = draw_cover(slug, curly(book.title), book.author, palette, motif, layout)
        (folder / f"{slug}.svg").write_text(svg, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_database(HERE / "books.db")
    write_covers(HERE / "public" / "covers")
    print(f"{len(BOOKS)} books by {len(AUTHORS)} authors on {len(TAGS)} shelves")

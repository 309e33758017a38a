"""The sample's tags as people write them in other languages."""

from __future__ import annotations

LANGUAGES = ("es", "fr", "de", "pt", "it")
"""ISO 639-1, in the order of the columns below."""

_WORDS = """
cat|gato|||gato|gatto
fish|pez|poisson|fische|peixe|pesce
bird|pájaro|oiseau|vogel|pássaro|uccello
butterfly|mariposa|papillon|schmetterling|borboleta|farfalla
car|coche|voiture|wagen|carro|macchina
sailboat|velero|voilier|segelboot|veleiro|barca a vela
rocket|cohete|fusée|rakete|foguete|razzo
bicycle|bicicleta|vélo|fahrrad|bicicleta|bicicletta
tree|árbol|arbre|baum|árvore|albero
flower|flor|fleur|blume|flor|fiore
mushroom|seta|champignon|pilz|cogumelo|fungo
coffee|café|café|kaffee|café|caffè
ice cream|helado||speiseeis|sorvete|gelato
burger|hamburguesa|||hambúrguer|
house|casa|maison|haus|casa|casa
lighthouse|faro|phare|leuchtturm|farol|faro
heart|corazón|cœur|herz|coração|cuore
star|estrella|étoile|sterne|estrela|stelle
balloon|globo|ballon de baudruche|luftballon|balão|palloncino
teddy bear|osito de peluche|ours en peluche|teddybär|ursinho de pelúcia|orsacchiotto
umbrella|paraguas|parapluie|regenschirm|guarda-chuva|ombrello
clock|reloj|horloge|uhr|relógio|orologio
animal|animales|animaux||animais|animali
vehicle|vehículo|véhicule|fahrzeug|veículo|veicolo
plant|planta|plante|pflanze|planta|pianta
food|comida|nourriture|essen|comida|cibo
building|edificio|bâtiment|gebäude|edifício|edificio
toy|juguete|jouet|spielzeug|brinquedo|giocattolo
night|noche|nuit|nacht|noite|notte
sea|el mar|la mer|meer|o mar|il mare
snow|nieve|neige|schnee|neve|neve
city|ciudad|ville|stadt|cidade|città
party|la fiesta|fête|feier|festa|festa
desert|desierto|désert|wüste|deserto|deserto
growing|creciendo|grandissant|wachsend|crescendo muito|che cresce
shrinking|encogiendo|rétrécissant|schrumpfend|encolhendo|che rimpicciolisce
blinking|parpadeando|clignotant|blinkend|piscando|lampeggiante
rising|subiendo|montant|steigend|subindo|che sale
falling|cayendo|tombant|fallend|caindo|che cade
bouncing|rebotando|rebondissant|hüpfend|quicando|che rimbalza
lol|jajaja|mort de rire|zum totlachen|kkkk|che ridere
omg|dios mío|mon dieu|oh mein gott|meu deus|oddio
happy birthday|feliz cumpleaños|joyeux anniversaire|alles gute zum geburtstag|feliz aniversário|buon compleanno
thank you|gracias|merci|danke|obrigado|grazie
hello|hola|bonjour|hallo|olá|
good night|buenas noches|bonne nuit|gute nacht|boa noite|buona notte
love you|te quiero|je t'aime|ich liebe dich|eu te amo|ti amo
sorry|lo siento|désolé|entschuldigung|desculpa|scusa
congrats|felicidades|félicitations|glückwunsch|parabéns|congratulazioni
good luck|buena suerte|bonne chance|viel glück|boa sorte|buona fortuna
please|por favor|s'il te plaît|bitte|por favor|per favore
agree|de acuerdo|d'accord|einverstanden|concordo|d'accordo
shocked|sorprendido|choqué|schockiert|chocado|scioccato
applause|aplauso|applaudissements|beifall|aplausos|applausi
monday|lunes|lundi|montag|segunda-feira|lunedì
weekend|fin de semana|fin de semaine|wochenende|fim de semana|fine settimana
wedding|boda|mariage|hochzeit|casamento|matrimonio
graduation|graduación|remise des diplômes|abschlussfeier|formatura|laurea
office|oficina||büro|escritório|ufficio
gaming|videojuegos|jeux vidéo|videospiele|jogos|videogiochi
cooking|cocinando||kochen|cozinhando|cucinare
everyday|cotidiano|quotidien|alltag|cotidiano|quotidiano
occasion|||anlass|ocasião|occasione
household|hogar|ménage|haushalt|lar|casalingo
symbol|símbolo|||símbolo|simbolo
swinging|balanceándose|se balançant|schwingend|balançando|che oscilla
pulsing|palpitando|palpitant|pulsierend|pulsando|pulsante
left to right|de izquierda a derecha|de gauche à droite|von links nach rechts|da esquerda à direita|da sinistra a destra
right to left|de derecha a izquierda|de droite à gauche|von rechts nach links|da direita à esquerda|da destra a sinistra
clockwise|en sentido horario|dans le sens horaire|im uhrzeigersinn|no sentido horário|in senso orario
funny|divertido|drôle|witzig|engraçado|divertente
animated|animado|animé|animiert|animado|animato
workout|entrenamiento|entraînement|krafttraining|treino|allenamento
reaction|reacción|réaction|reaktion|reação|reazione
"""


def _table() -> dict[str, dict[str, str]]:
    rows = [line.split("|") for line in _WORDS.strip().splitlines()]
    return {
        tag: {language: word for language, word in zip(LANGUAGES, words, strict=True) if word} for tag, *words in rows
    }


TRANSLATIONS: dict[str, dict[str, str]] = _table()
"""By tag and language, without those spelled like an English word (French chat, German Stern) or like a slip of one."""

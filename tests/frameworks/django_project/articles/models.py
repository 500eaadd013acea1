from django.db import models
from django.urls import reverse


class Article(models.Model):
    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=100)
    text = models.TextField()
    published = models.DateField()

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("article", args=[self.slug])
